"""The dashboard of the fleet: replicas wanted and real, GPUs, what they cost, Redis.

Its series come from kube-state-metrics, DCGM and Redis' exporter, most of them by way of
k8s/components/monitoring/recording.yaml.
"""

from typing import Any

from scripts.grafana.metrics import INSTALLATION, CodeMetrics
from scripts.grafana.panels import Panel, Query, Row, amount, dashboard, installations, models

_WORKERS = f'{INSTALLATION}, pod=~"worker-.*|vllm-server-.*"'


def fleet(code: CodeMetrics) -> dict[str, Any]:
    """Grafana's JSON."""
    rows = [_replicas(code), _gpus(), _cost(), _redis()]
    variables = [
        installations(),
        models("eva01_queue_jobs"),
        amount("gpu_hour_price", "Price of a GPU-hour", "2.5"),
    ]
    return dashboard("eva01-fleet", "EVA-01: fleet", rows, variables)


def _replicas(code: CodeMetrics) -> Row:
    workers, of_late = code["eva01_workers"], code["eva01_ready_workers_of_late"]
    return Row(
        "Replicas",
        [
            Panel(
                "Replicas wanted and real",
                [
                    Query(_of("deployment:eva01_replicas_wanted"), "{{deployment}} wanted"),
                    Query(_of("deployment:eva01_replicas_ready"), "{{deployment}} ready"),
                ],
                "What KEDA asks for, and what is ready. The gap is nodes that start and models that load.",
            ),
            Panel(
                "Open jobs and ready workers",
                [
                    Query(_of("model:eva01_open_jobs", 'model=~"$model"'), "{{model}} open"),
                    Query(workers.value("model", state="ready"), "{{model}} ready workers"),
                    Query(of_late.value("model"), "{{model}} ready of late"),
                ],
                f"Waiting and held, beside the workers for them. {workers.help}"
                " A fleet grows to twice those that were ready of late.",
            ),
            Panel(
                "Steps of scaling in an hour",
                [Query(_of("deployment:eva01_scalings:1h"), "{{deployment}}")],
                "More than 10 say that the fleet follows noise.",
            ),
        ],
    )


def _gpus() -> Row:
    return Row(
        "GPUs",
        [
            Panel(
                "GPU use",
                [Query(_of("pod:gpu_utilisation_percent:avg1m"), "{{pod}}")],
                "Per cent of the time in which the GPU did something, over a minute.",
                "percent",
            ),
            Panel(
                "GPU memory",
                [
                    Query(f"sum by (pod) (DCGM_FI_DEV_FB_USED{{{_WORKERS}}})", "{{pod}} used"),
                    Query(f"sum by (pod) (DCGM_FI_DEV_FB_FREE{{{_WORKERS}}})", "{{pod}} free"),
                ],
                "Used and free memory of each GPU.",
                "decmbytes",
            ),
            Panel(
                "GPU temperature",
                [Query(f"max by (pod) (DCGM_FI_DEV_GPU_TEMP{{{_WORKERS}}})", "{{pod}}")],
                "A GPU that is too warm slows itself down.",
                "celsius",
            ),
            Panel(
                "GPUs asked for, and there",
                [
                    Query("eva01:gpus_requested_in_cluster", "asked for in the cluster"),
                    Query("eva01:gpus_in_cluster", "in the cluster"),
                    Query(_of("eva01:gpus_held"), "held by EVA-01"),
                ],
                "More asked for than there are: pods wait for a node.",
            ),
        ],
    )


def _cost() -> Row:
    finished = _of("model:eva01_finished_jobs:rate5m", 'model=~"$model"')
    jobs_an_hour = f"sum(avg_over_time({finished}[1h])) * 3600"
    gpus = f"sum(avg_over_time({_of('eva01:gpus_held')}[1h]))"
    return Row(
        "Cost",
        [
            Panel(
                "Cost per thousand images",
                [Query(f"$gpu_hour_price * {gpus} / ({jobs_an_hour} > 0) * 1000", "of the last hour")],
                "GPUs held, busy or not, times the price above, by what was finished in the same hour.",
                kind="stat",
            ),
            Panel(
                "GPU-hours in a day",
                [
                    Query(_of("eva01:gpu_hours:1d"), "used"),
                    Query(_of("eva01:gpu_hours_a_day:limit"), "limit"),
                ],
                "GPU-hours in the 24 hours before, and where the alert rings.",
            ),
            Panel(
                "Cost of a day",
                [Query(f"$gpu_hour_price * {_of('eva01:gpu_hours:1d')}", "last 24 hours")],
                "GPU-hours times the price above.",
                kind="stat",
            ),
        ],
    )


def _redis() -> Row:
    commands = _of("redis_commands_processed_total")
    return Row(
        "Redis",
        [
            Panel(
                "Memory",
                [Query(_of("pod:eva01_redis_memory_ratio"), "{{pod}}")],
                "Used of what it may use. Full, it refuses writes.",
                "percentunit",
            ),
            Panel(
                "Clients",
                [Query(f"max by (pod) ({_of('redis_connected_clients')})", "{{pod}}")],
                "Connections of web and workers.",
            ),
            Panel(
                "Commands",
                [Query(f"sum by (pod) (rate({commands}[$__rate_interval]))", "{{pod}}")],
                "Commands a second.",
                "ops",
            ),
        ],
    )


def _of(series: str, *matchers: str) -> str:
    """A series of the installation that is chosen."""
    return f"{series}{{{', '.join([INSTALLATION, *matchers])}}}"
