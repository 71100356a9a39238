"""A real Prometheus that scrapes a real EVA-01, in which every counted event has happened."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from jobs.contract import names
from jobs.storage.connection.client import connect
from tests import plain
from tests.files.drawing import Scene
from tests.manifests.promtool import WATCHED, WISHED, write_rules
from tests.manifests.rendering import of_kind, render
from tests.process.conftest import Stack
from tests.processes import Process, free_port, python, wait_until
from tests.servers.refusing import without_replicas
from tests.servers.serving import Serving
from tests.stubs.engine import DIE, POISON, SLOW
from tests.tools import PROMETHEUS

ROOT = Path(__file__).parents[2]
EXPORTERS = Path(__file__).parent / "exporters"
MODEL = "stub"
PNG = Scene("white", (("red", "circle"),)).encode()
#: Larger than EVA01_MAX_IMAGE_BYTES here, so web refuses it.
LARGE = b"\0" * 200_000
#: Web tells nothing to whoever does not have it.
KEY = "eva01_of-a-stack-that-is-watched-by-prometheus"


class Exporters(SimpleHTTPRequestHandler):
    """Serves recorded metrics of other programs' exporters."""

    def __init__(self, *arguments: Any) -> None:
        # Set before the base's __init__, which handles the request.
        self.extensions_map = {".prom": "text/plain; version=0.0.4"}
        super().__init__(*arguments, directory=str(EXPORTERS))

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def exporters() -> Iterator[str]:
    """The address of all exporters of other programs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporters)
    with Serving(server):
        yield f"127.0.0.1:{server.server_port}"


@dataclass
class ScrapedStack(Stack):
    """A stack with short leases, timeouts and limits, and two workers of the stub engine."""

    worker_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def env(self) -> dict[str, str]:
        """The usual variables, with limits low enough to be exceeded."""
        return super().env | {
            "PYTHONPATH": str(ROOT),
            "EVA01_ADMIN_KEY": KEY,
            "EVA01_MODELS": "nano",
            "EVA01_DRAIN_S": "0.5",
            "EVA01_LEASE_S": "2",
            "EVA01_MAX_CRASHES": "1",
            # The slow job keeps the device busy for so long; its busy time is counted only after that.
            "EVA01_JOB_TIMEOUT_S": "15",
            "EVA01_BLOB_PATIENCE_S": "0.1",
            "EVA01_HOUSEKEEPING_S": "0.5",
            "EVA01_MAX_IMAGE_BYTES": "100000",
            "EVA01_FETCH_ALLOW": "nowhere.invalid",
        }

    def client(self) -> httpx.Client:
        """An HTTP client for web, with the key."""
        return plain.Client(base_url=self.url, headers={"Authorization": f"Bearer {KEY}"})

    def start_stub(self, number: int) -> Process:
        """Start the first or second worker, and wait until it takes jobs."""
        worker = self.begin_stub(number)
        worker.wait_until_ready(f"http://127.0.0.1:{self.worker_ports[number]}/ready")
        return worker

    def begin_stub(self, number: int) -> Process:
        """Start the first or second worker."""
        port = str(self.worker_ports[number])
        return self.start(f"worker-{number}", python("tests.stubs.worker", "0.3"), EVA01_WORKER_PORT=port)

    def exercise(self) -> None:
        """Cause every counted event at least once, successes and failures."""
        self.start_redis()
        self.start_web()
        first = self.start_stub(0)
        with self.client() as http:
            self._ask(http, question=DIE).raise_for_status()
            first.wait()
            self.start_stub(1)
            wait_until(lambda: self._states(http).get("failed"), "the image that kills is quarantined")
            self._answer_well(http)
            self._refuse_and_cancel(http)
            self._lose_the_images(http)
            self._ask(http, question=SLOW).raise_for_status()
        self._refuse_writes()

    def ask(self) -> None:
        """Ask two more questions, one of which has a known answer, so that rates stay above zero."""
        with self.client() as http:
            self._ask(http)
            self._ask(http, question=f"What, at {time.monotonic()}?")
            # There is no such host (RFC 2606), so its image is fetched in vain.
            address = {"url": "https://nowhere.invalid/a.png", "model": MODEL, "question": "What?"}
            http.post("/api/jobs", data=address)

    def _ask(self, http: httpx.Client, **fields: str) -> httpx.Response:
        form = {"model": MODEL, "question": "What?"} | fields
        return http.post("/api/jobs", files={"file": ("a.png", PNG)}, data=form)

    def _states(self, http: httpx.Client) -> dict[str, int]:
        text = plain.get(f"http://127.0.0.1:{self.worker_ports[1]}/metrics").text
        lines = (line.split() for line in text.splitlines() if line.startswith("eva01_jobs_total{"))
        return {name.split('state="')[1].rstrip('"}'): int(float(value)) for name, value in lines}

    def _answer_well(self, http: httpx.Client) -> None:
        for question in ("What?", POISON):
            made = http.post("/api/batches", json={"question": question, "model": MODEL}).json()
            files = [("files", (f"{n}.png", PNG)) for n in range(4)]
            http.post(f"/api/batches/{made['id']}/files", files=files).raise_for_status()
        for _ in range(3):
            form = {"model": MODEL, "question": "What?"}
            done = http.post("/analyze", files={"file": ("a.png", PNG)}, data=form)
            assert done.json()["state"] == "succeeded", done.text
        wait_until(lambda: self._states(http).get("failed", 0) >= 4, "the bad ones have failed")

    def _refuse_and_cancel(self, http: httpx.Client) -> None:
        refused = http.post("/api/jobs", files={"file": ("a.png", LARGE)}, data={"question": "What?"})
        assert refused.status_code == 413, refused.text
        waiting = self._ask(http, model="nano").json()
        http.delete(f"/api/jobs/{waiting['id']}").raise_for_status()

    def _lose_the_images(self, http: httpx.Client) -> None:
        """Make puts of images fail for a moment, by a file in place of their folder."""
        images = self.folder / "blobs" / "images"
        kept = images.rename(images.with_name("kept"))
        images.write_bytes(b"")
        other = Scene("black", (("blue", "square"),)).encode()
        failed = http.post("/api/jobs", files={"file": ("b.png", other)}, data={"question": "What?"})
        assert failed.status_code in (503, 507), failed.text
        images.unlink()
        kept.rename(images)

    def _refuse_writes(self) -> None:
        """Have Redis refuse them while a worker holds a job, until a renewal of its lease has failed.

        Were it silent, the worker might lose its connection by something else, and renew nothing meanwhile.
        """
        url = f"http://127.0.0.1:{self.worker_ports[1]}/metrics"
        with connect(self.env["REDIS_URL"]) as client:
            wait_until(lambda: client.hlen(names.held_key(MODEL)), "a job is held")
            with without_replicas(client):
                wait_until(lambda: 'outcome="failed"' in plain.get(url).text, "a renewal has failed")


class Prometheus:
    """The Prometheus server, which scrapes everything each second, or as often as is said.

    `rules` are the names of files in `folder`; without them, those of k8s/.
    """

    def __init__(
        self,
        folder: Path,
        stack: ScrapedStack,
        exporters: str,
        *,
        rules: Sequence[str] = (),
        every: str = "1s",
    ) -> None:
        self.stack = stack
        program, address = PROMETHEUS.needed(), f"127.0.0.1:{free_port()}"
        self._http = plain.Client(base_url=f"http://{address}", timeout=30)
        config = folder / "prometheus.yml"
        found = _config(stack, exporters, rules or _rules(folder))
        found["global"] = {"scrape_interval": every, "evaluation_interval": every}
        config.write_text(yaml.safe_dump(found))
        command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        command += [f"--web.listen-address={address}", "--log.level=warn", "--web.enable-admin-api"]
        self.process = Process.start("prometheus", command, {}, folder)

    def wait_until_ready(self) -> None:
        """Wait until it is ready."""
        self.process.wait_until_ready(f"{self._http.base_url}/-/ready")

    def end(self) -> None:
        """End it."""
        self._http.close()
        self.process.end()

    def query(self, text: str) -> list[dict[str, Any]]:
        """The result of an expression now; fails when Prometheus refuses it."""
        reply = self._http.post("/api/v1/query", data={"query": text}).json()
        assert reply["status"] == "success", f"{text}: {reply.get('error')}"
        result: list[dict[str, Any]] = reply["data"]["result"]
        return result

    def firing(self) -> set[str]:
        """The alerts that fire now, each with its source if it says one."""
        alerts = self._http.get("/api/v1/alerts").json()["data"]["alerts"]
        return {
            " ".join(filter(None, (alert["labels"]["alertname"], alert["labels"].get("source"))))
            for alert in alerts
            if alert["state"] == "firing"
        }

    def forget(self, *series: str) -> None:
        """Forget all that was measured of some series."""
        done = self._http.post("/api/v1/admin/tsdb/delete_series", params={"match[]": list(series)})
        assert done.is_success, done.text

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with the health of their last evaluation."""
        groups = self._http.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def _rules(folder: Path) -> list[str]:
    """Write all rules of k8s/; the numbers of a fleet are given to the model that runs here."""
    names = write_rules(folder, WATCHED, WISHED)
    wish = folder / "wish.yaml"
    wish.write_text(wish.read_text().replace("qwen2.5-vl-7b", MODEL))
    return names


def _authorization() -> dict[str, str]:
    """How the cluster's Prometheus says who it is to web, with the key in place of its Secret."""
    (monitor,) = of_kind(render(WATCHED), "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    return {"type": endpoint["authorization"]["type"], "credentials": KEY}


def _config(stack: ScrapedStack, exporters: str, rules: Sequence[str]) -> dict[str, Any]:
    """Prometheus' configuration: targets with the labels as in k8s/components/monitoring."""

    def job(name: str, targets: dict[str, str], **more: Any) -> dict[str, Any]:
        configs = [
            {"targets": [target], "labels": {"namespace": "eva01", "pod": pod}}
            for pod, target in targets.items()
        ]
        return {"job_name": name, "static_configs": configs, **more}

    workers = {f"worker-{MODEL}-{n + 1}": f"127.0.0.1:{port}" for n, port in enumerate(stack.worker_ports)}
    return {
        "rule_files": list(rules),
        "scrape_configs": [
            job("web", {"web-1": f"127.0.0.1:{stack.web_port}"}, authorization=_authorization()),
            job("worker", workers),
            job("redis", {"redis-0": exporters}, metrics_path="/redis.prom"),
            # Their series have labels of other pods, which must be kept.
            *(
                {
                    "job_name": name,
                    "metrics_path": f"/{name}.prom",
                    "honor_labels": True,
                    "static_configs": [{"targets": [exporters]}],
                }
                for name in ("kube-state-metrics", "dcgm-exporter")
            ),
        ],
    }
