"""The dashboard of the service: what waits, how long it takes, what goes wrong."""

from typing import Any

from scripts.grafana.metrics import INSTALLATION, CodeMetrics, Metric
from scripts.grafana.panels import Panel, Query, Row, dashboard, installations, models

_PARTS = (0.5, 0.95, 0.99)
#: A series that appears only with its first event counts as 0 before.
_OR_NONE = " or on () vector(0)"


def service(code: CodeMetrics) -> dict[str, Any]:
    """Grafana's JSON."""
    rows = [_queue(code), _times(code), _device(code), _requests(code), _fetching(code)]
    rows += [_reliability(code), _recovery(code)]
    return dashboard("eva01-service", "EVA-01: service", rows, [installations(), models("eva01_queue_jobs")])


def _queue(code: CodeMetrics) -> Row:
    queue, held = code["eva01_queue_jobs"], code["eva01_held_jobs"]
    oldest, finished = code["eva01_oldest_wait_seconds"], code["eva01_jobs_total"]
    states = finished.rate("model", "state", job="worker", state="succeeded|failed")
    return Row(
        "Queue",
        [
            Panel(
                "Queue by model",
                [
                    Query(queue.value("model", "queue"), "{{model}} {{queue}}"),
                    Query(held.value("model"), "{{model}} held"),
                ],
                f"{queue.help} {held.help} Their sum is what the fleet is scaled on.",
                is_stacked=True,
            ),
            Panel("Oldest wait", [Query(oldest.value("model"), "{{model}}")], oldest.help, "s"),
            Panel(
                "Throughput",
                [
                    Query(states, "{{model}} {{state}}"),
                    Query(
                        f'model:eva01_arrivals:rate5m{{{INSTALLATION}, model=~"$model"}}', "{{model}} arrive"
                    ),
                    Query(
                        f'model:eva01_arrivals:forecast10m{{{INSTALLATION}, model=~"$model"}}',
                        "{{model}} forecast",
                    ),
                ],
                "Jobs a second that workers finished, that arrived, and that may arrive in ten minutes.",
                "ops",
            ),
        ],
    )


def _times(code: CodeMetrics) -> Row:
    wait, run, latency = (
        code[name]
        for name in ("eva01_job_wait_seconds", "eva01_job_run_seconds", "eva01_request_latency_seconds")
    )
    return Row(
        "Times",
        [
            Panel("Wait", _quantiles(wait, "model"), wait.help, "s"),
            Panel("Run", _quantiles(run, "model"), run.help, "s"),
            Panel("Requests", _quantiles(latency, "endpoint"), latency.help, "s"),
        ],
    )


def _device(code: CodeMetrics) -> Row:
    batch, stage = code["eva01_batch_size"], code["eva01_stage_seconds"]
    answers, tokens = (
        code["eva01_answers_total"],
        [
            code["eva01_visual_tokens_total"],
            code["eva01_output_tokens_total"],
        ],
    )
    prompts = code["eva01_prompt_tokens_total"]
    cache, device = code["eva01_answer_cache_total"], code["eva01_device_seconds_total"]
    steps = code["eva01_steps_total"]
    return Row(
        "Device",
        [
            Panel(
                "Device busy",
                [Query(device.share("model", activity="busy"), "{{model}}")],
                f"{device.help} Low while jobs wait: the CPU holds it up, see the stage times.",
                "percentunit",
            ),
            Panel(
                "Batch size",
                [
                    Query(batch.mean("model"), "{{model}} mean"),
                    Query(batch.quantile(0.95, "model"), "{{model}} p95"),
                ],
                batch.help,
            ),
            Panel(
                "Steps by their kind",
                [Query(steps.rate("kind") + _OR_NONE, "{{kind}}")],
                f"{steps.help} Any that differed: see the worker's log.",
                "ops",
                is_stacked=True,
            ),
            Panel(
                "Stage times",
                [Query(stage.quantile(0.95, "model", "stage"), "{{model}} {{stage}} p95")],
                stage.help,
                "s",
            ),
            Panel(
                "Tokens",
                [Query(count.rate("model"), f"{{{{model}}}} {count.name.split('_')[1]}") for count in tokens],
                " ".join(count.help for count in tokens),
                "ops",
            ),
            Panel(
                "Prompt tokens, read and shared",
                [Query(prompts.rate("model", "source") + _OR_NONE, "{{model}} {{source}}")],
                prompts.help,
                "ops",
                is_stacked=True,
            ),
            Panel(
                "Answers by their end",
                [Query(answers.rate("model", "finish_reason") + _OR_NONE, "{{model}} {{finish_reason}}")],
                answers.help,
                "ops",
                is_stacked=True,
            ),
            Panel(
                "Known answers",
                [Query(cache.rate("model", "outcome") + _OR_NONE, "{{model}} {{outcome}}")],
                cache.help,
                "ops",
                is_stacked=True,
            ),
        ],
    )


def _requests(code: CodeMetrics) -> Row:
    requests, refused = code["eva01_requests_total"], code["eva01_refused_total"]
    in_flight, workers = code["eva01_requests_in_flight"], code["eva01_workers"]
    sign_ins = code["eva01_sign_ins_total"]
    return Row(
        "Web",
        [
            Panel(
                "Requests by status", [Query(requests.rate("status"), "{{status}}")], requests.help, "reqps"
            ),
            Panel(
                "Requests in flight",
                [Query(in_flight.value("pod"), "{{pod}}")],
                f"{in_flight.help} A pod has EVA01_WEB_THREADS for them; web is scaled on this.",
            ),
            Panel(
                "Sign-ins",
                [Query(sign_ins.rate("how", "outcome") + _OR_NONE, "{{how}} {{outcome}}")],
                sign_ins.help,
                "ops",
            ),
            Panel("Refused", [Query(refused.rate("reason") + _OR_NONE, "{{reason}}")], refused.help, "ops"),
            Panel(
                "Workers by state",
                [Query(workers.value("model", "state"), "{{model}} {{state}}")],
                workers.help,
                is_stacked=True,
            ),
        ],
    )


def _fetching(code: CodeMetrics) -> Row:
    fetches, turns = code["eva01_fetches_total"], code["eva01_fetch_turns"]
    took, size = code["eva01_fetch_seconds"], code["eva01_fetched_bytes_total"]
    return Row(
        "Images at addresses",
        [
            Panel("Fetched", [Query(fetches.rate("outcome") + _OR_NONE, "{{outcome}}")], fetches.help, "ops"),
            Panel("Turns", [Query(turns.value("state"), "{{state}}")], turns.help),
            Panel("Fetching", _quantiles(took), took.help, "s"),
            Panel("Bytes fetched", [Query(size.rate(), "bytes")], size.help, "Bps"),
        ],
    )


def _reliability(code: CodeMetrics) -> Row:
    return Row(
        "Reliability: what happened to jobs",
        [
            _events(code["eva01_redeliveries_total"], "Redeliveries", "model", "reason"),
            _events(code["eva01_quarantined_total"], "Quarantined", "model"),
            _events(code["eva01_unreadable_messages_total"], "Unreadable messages", "model"),
            _events(code["eva01_unreadable_records_total"], "Unreadable records", "kind"),
            _events(code["eva01_reconciled_jobs_total"], "Reconciled", "action"),
            _events(code["eva01_cancellations_total"], "Cancelled", "model", "phase"),
        ],
    )


def _recovery(code: CodeMetrics) -> Row:
    look, drain, load = (
        code[name] for name in ("eva01_reconcile_seconds", "eva01_drain_seconds", "eva01_model_load_seconds")
    )
    return Row(
        "Reliability: what keeps it",
        [
            _events(code["eva01_lease_renewals_total"], "Lease renewals", "model", "outcome"),
            _events(code["eva01_blob_operations_total"], "Image store", "operation", "outcome"),
            Panel("Looks after lost jobs", _quantiles(look), look.help, "s"),
            Panel(
                "Loading and stopping",
                [Query(load.value("model"), "{{model}} load"), Query(drain.value("model"), "{{model}} stop")],
                f"{load.help} {drain.help}",
                "s",
            ),
        ],
    )


def _quantiles(histogram: Metric, *by: str) -> list[Query]:
    names = " ".join(f"{{{{{label}}}}}" for label in by)
    return [Query(histogram.quantile(part, *by), f"{names} p{part * 100:.0f}".strip()) for part in _PARTS]


def _events(counter: Metric, title: str, *by: str) -> Panel:
    names = " ".join(f"{{{{{label}}}}}" for label in by)
    return Panel(
        title, [Query(counter.hourly(*by), names)], f"{counter.help} In the hour before.", is_stacked=True
    )
