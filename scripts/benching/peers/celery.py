"""Plain Celery, one image a task: what somebody writes who does not batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from celery import Celery

from scripts.benching.asking import body_of
from scripts.benching.found import Found
from scripts.benching.house import ROWS
from scripts.benching.options import ROOT, Options
from scripts.benching.peers.peer import Ask, compare_servers
from scripts.benching.tasks import Task
from scripts.benching.works.work import Work
from scripts.run import Run
from tests.chaos.servers import RedisServer
from tests.processes import Process, python
from worker.ops.cores import SHARED, core_count

_APP = "scripts.benching.peers.celery_app"
_PATIENCE_S = 600.0


def _measure(options: Options) -> Iterator[Found]:
    yield from compare_servers(options, "Celery", ROWS, _started, count=48)


@contextmanager
def _started(model: Path) -> Iterator[Ask]:
    with TemporaryDirectory(prefix="eva01-celery-") as folder:
        redis = RedisServer(Path(folder))
        env = {
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": redis.url,
            "PEER_MODEL": str(model),
            **SHARED,
        }
        command = python("celery", "-A", _APP, "worker", f"--concurrency={core_count()}", "--without-gossip")
        process = Process.start("celery", command, env, Path(folder))
        try:
            with Celery(broker=redis.url, backend=redis.url) as app:
                yield partial(_ask, app)
        finally:
            process.end()
            redis.stop()


def _ask(app: Celery, tasks: Sequence[Task]) -> Run:
    """All at once; their results in the order in which they were sent."""
    began_s = perf_counter()
    sent = [app.send_task(f"{_APP}.answer", [body_of("theirs", task)]) for task in tasks]
    latencies_s = []
    for task, result in zip(tasks, sent, strict=True):
        said = result.get(timeout=_PATIENCE_S)
        assert said == task.tokens, f"{said} tokens were said, of {task.tokens} that were asked for"
        latencies_s.append(perf_counter() - began_s)
    return Run(perf_counter() - began_s, latencies_s)


WORKS = {
    "W3.celery": Work(
        "Celery, one image a task",
        "One image a task, a process a core with one thread each, prefetch of one, results in Redis; our"
        " engine's static batches of one, fp32; 48 tasks as in W2, all sent at once.",
        _measure,
    )
}
