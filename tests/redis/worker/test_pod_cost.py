"""A real worker in a fake cluster reports when it turns busy and idle."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Process, free_port, wait_until
from tests.servers.cluster_api import Api
from tests.stubs.engine import SLOW
from tests.stubs.processes import ROOT, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: A stub worker with a service account in another folder, and a short pause between two patches.
PROGRAM = """
import runpy, sys
from pathlib import Path
from worker.ops import pod_cost
pod_cost.ACCOUNT, pod_cost._PAUSE_S = Path(sys.argv.pop(1)), 0.1
runpy.run_module("tests.stubs.worker", run_name="__main__")
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A running API."""
    api = Api(tmp_path)
    yield api
    api.end()


def start_worker(workers: WorkerProcesses, api: Api) -> Process:
    """A worker in a pod of its own, with a rolling batch."""
    port = free_port()
    env = {
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": workers.settings.redis_url,
        "EVA01_BLOBS": workers.settings.blobs,
        "EVA01_WORKER_PORT": str(port),
        "EVA01_ANSWER_CACHE": "false",
        "EVA01_POD_NAME": api.pod.name,
        "KUBERNETES_SERVICE_HOST": api.pod.host,
        "KUBERNETES_SERVICE_PORT": str(api.pod.port),
    }
    command = [sys.executable, "-c", PROGRAM, str(api.account), "0.01", "rolling"]
    process = Process.start("worker", command, env, workers.folder)
    workers.processes.append(process)
    process.wait_until_ready(f"http://127.0.0.1:{port}/ready")
    return process


def test_a_pod_is_dear_while_its_worker_holds_jobs(workers, api):
    start_worker(workers, api)
    wait_until(lambda: api.costs == ["0"], "the pod is idle")
    job = workers.enqueue(SLOW)
    wait_until(lambda: api.costs == ["0", "100"], "the pod is busy")
    workers.store.cancel(job.id)
    wait_until(lambda: api.costs == ["0", "100", "0"], "the pod is idle again")
    assert all(patch.path.split("?")[0].endswith(f"/pods/{api.pod.name}") for patch in api.patches)


def test_a_denied_patch_is_said_once_and_work_goes_on(workers, api):
    api.status, api.reply = 403, {"message": "pods is forbidden"}
    worker = start_worker(workers, api)
    wait_until(lambda: "pods is forbidden" in worker.output(), "the worker has tried, and says so")
    job = workers.enqueue("What is it?")
    assert workers.wait_for_answers([job]) == ["(480, 320) What is it?"]
    assert worker.output().count("pods is forbidden") == 1
