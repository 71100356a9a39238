"""Where drills take place: a real EVA-01 and Prometheus, and what the exporters of a cluster would say."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import httpx
import redis

from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from tests.manifests.drills.hastened import hastened_rules
from tests.manifests.watching import MODEL, PNG, Prometheus, ScrapedStack
from tests.processes import Process, wait_until
from tests.servers.serving import Serving

#: Longest wait until an alert fires, or is over: an hour of the rules is a minute here.
PATIENCE_S = 180.0
#: Jobs that the worker holds.
SLOTS = 24


class Lines(Protocol):
    """Gives the lines of an exporter."""

    def __call__(self) -> str:
        """As Prometheus reads them."""


class DrilledStack(ScrapedStack):
    """A stack whose worker holds more jobs than an alert takes for a few."""

    @property
    def env(self) -> dict[str, str]:
        """The usual variables."""
        return super().env | {
            "EVA01_SLOTS": str(SLOTS),
            "EVA01_MAX_CRASHES": "3",
            "EVA01_JOB_TIMEOUT_S": "8",
            # Prometheus hears of a silent Redis what there is without it.
            "EVA01_REDIS_TIMEOUT_S": "0.5",
        }


@dataclass
class Cluster:
    """What kube-state-metrics and DCGM say of a fleet that is well; acts change it."""

    wanted: int = 1
    ready: int = 1
    #: GPUs that pods ask for, that nodes have, and that pods on a node hold.
    requested: int = 1
    gpus: int = 1
    held: int = 1
    gpu_percent: int = 50
    is_crash_looping: bool = False
    #: Whether its autoscaler gets a number.
    is_scaling: bool = True
    #: Whether the exporters are there.
    has_kube_state_metrics: bool = True
    has_dcgm: bool = True

    def kube_state_metrics(self) -> str:
        """Its lines."""
        if not self.has_kube_state_metrics:
            return ""
        pod = 'namespace="eva01",pod="worker-stub-1"'
        waiting = 'namespace="eva01",pod="worker-stub-2"'
        fleet = '{namespace="eva01",deployment="worker-stub"}'
        autoscaler = 'namespace="eva01",horizontalpodautoscaler="keda-hpa-worker-stub"'
        is_active = f'condition="ScalingActive",status="{str(self.is_scaling).lower()}"'
        of_gpus = 'resource="nvidia_com_gpu",unit="integer"'
        requests = "kube_pod_container_resource_requests"
        lines = [
            f"kube_deployment_spec_replicas{fleet} {self.wanted}",
            f"kube_deployment_status_replicas_ready{fleet} {self.ready}",
            f"kube_horizontalpodautoscaler_status_condition{{{autoscaler},{is_active}}} 1",
            f'kube_node_status_capacity{{node="gpu-1",{of_gpus}}} {self.gpus}',
            f'{requests}{{{pod},node="gpu-1",{of_gpus}}} {self.held}',
            f'{requests}{{{waiting},node="",{of_gpus}}} {self.requested - self.held}',
            f'kube_pod_status_phase{{{pod},phase="Running"}} 1',
            f'kube_pod_status_phase{{{waiting},phase="Pending"}} 1',
        ]
        if self.is_crash_looping:
            reason = f'{pod},container="worker",reason="CrashLoopBackOff"'
            lines.append(f"kube_pod_container_status_waiting_reason{{{reason}}} 1")
        return "\n".join([*lines, ""])

    def dcgm(self) -> str:
        """Its lines."""
        if not self.has_dcgm:
            return ""
        return f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",namespace="eva01",pod="worker-stub-1"}} {self.gpu_percent}\n'


@dataclass
class Stage:
    """What acts have to do with."""

    stack: DrilledStack
    cluster: Cluster = field(default_factory=Cluster)
    processes: dict[str, Process] = field(default_factory=dict)
    prometheus: Prometheus = field(init=False)

    @cached_property
    def redis(self) -> "redis.Redis":
        """A client of the stack's Redis."""
        return connect(self.stack.env["REDIS_URL"])

    @cached_property
    def queue(self) -> JobQueue:
        """The stack's queue."""
        return JobQueue(JobStore(self.redis))

    @property
    def blobs(self) -> Path:
        """The folder of the blob store."""
        return Path(Settings(data=self.stack.folder).blobs_url.removeprefix("file://"))

    # Parts

    def start_redis(self) -> None:
        """Start Redis, once."""
        self.processes["redis"] = self.stack.start_redis()

    def start_web(self) -> None:
        """Start web."""
        self.processes["web"] = self.stack.start_web()

    def start_worker(self) -> None:
        """Start a worker of the stub, and wait until it takes jobs."""
        self.processes["worker-0"] = self.stack.start_stub(0)

    def start_missing(self, parts: Iterable[str]) -> None:
        """Start those that are not there, or have ended."""
        start = {"web": self.start_web, "worker-0": self.start_worker}
        for name in parts:
            if name not in self.processes or self.processes[name].popen.poll() is not None:
                start[name]()

    def keep_a_worker_until(self, fact: Callable[[], object], what: str) -> None:
        """Start the worker again each time it has ended, as Kubernetes does, until `fact` is true."""

        def is_so() -> object:
            if self.processes["worker-0"].popen.poll() is not None:
                self.processes["worker-0"] = self.stack.begin_stub(0)
            return fact()

        wait_until(is_so, what, PATIENCE_S)

    def end(self, name: str) -> None:
        """End a part."""
        self.processes.pop(name).end()

    def ask(self, many: int = 1, question: str = "What?", data: bytes = PNG) -> list[httpx.Response]:
        """Send questions about one image, each a job."""
        with self.stack.client() as http:
            form = {"model": MODEL, "question": question}
            return [http.post("/api/jobs", files={"file": ("a.png", data)}, data=form) for _ in range(many)]

    def wait_until_idle(self) -> None:
        """Wait until nothing waits, and nobody holds anything."""

        def is_idle() -> bool:
            depth = self.queue.depth(MODEL)
            return not depth.waiting and not depth.held

        wait_until(is_idle, "all is answered", PATIENCE_S)

    # Alerts

    def wait_until_firing(self, alert: str) -> None:
        """Wait until an alert fires."""
        wait_until(lambda: alert in self.prometheus.firing(), f"{alert} fires", PATIENCE_S, every_s=0.5)

    def wait_until_over(self, alert: str) -> None:
        """Wait until an alert fires no more."""
        wait_until(lambda: alert not in self.prometheus.firing(), f"{alert} is over", PATIENCE_S, every_s=0.5)

    def redis_exporter(self) -> str:
        """What the exporter of Redis would say of this one."""
        try:
            memory: Any = self.redis.info("memory")
        except redis.RedisError:
            return "redis_up 0\n"
        used, most = memory["used_memory"], memory["maxmemory"]
        return f"redis_memory_used_bytes {used}\nredis_memory_max_bytes {most}\n"


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A stage with a Redis and a Prometheus that watches everything, by hastened rules."""
    stage = Stage(DrilledStack(folder))
    exporters = {
        "/redis.prom": stage.redis_exporter,
        "/kube-state-metrics.prom": stage.cluster.kube_state_metrics,
        "/dcgm-exporter.prom": stage.cluster.dcgm,
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(exporters))
    with Serving(server):
        try:
            stage.start_redis()
            address = f"127.0.0.1:{server.server_port}"
            rules = hastened_rules(folder)
            stage.prometheus = Prometheus(folder, stage.stack, address, rules=rules, every="500ms")
            stage.prometheus.wait_until_ready()
            yield stage
        finally:
            if hasattr(stage, "prometheus"):
                stage.prometheus.end()
            stage.redis.close()
            stage.stack.end()


def _handler(exporters: dict[str, Lines]) -> type[BaseHTTPRequestHandler]:
    class Exporters(BaseHTTPRequestHandler):
        """Says what each exporter says now."""

        def do_GET(self) -> None:
            body = exporters[self.path]().encode()
            # Prometheus does not wait while Redis is stopped.
            with suppress(ConnectionError):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Exporters
