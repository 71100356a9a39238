"""Families of models, each in miniature behind a real worker: images together are answered as each alone."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.contract.catalog import card_for
from jobs.contract.models import Batch, Job, JobState, Options
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from scripts.families import makers
from tests.families.miniatures import NANO
from tests.files.drawing import Scene
from tests.processes import free_port, wait_until
from tests.stubs.processes import ROOT, WorkerProcesses

pytestmark = pytest.mark.process

#: All but LFM2-VL, which needs torchvision.
FAMILIES = [name for name in makers() if name != "lfm2_vl"]
SIZES = ((97, 140), (300, 120), (200, 200))
OPTIONS = Options(max_new_tokens=5)


class Nursery:
    """Redis, a blob store, and workers of one family after the other; see tests/families/nursery.py."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._workers = WorkerProcesses(folder)
        self._workers.start_redis()
        self.store, settings = self._workers.store, self._workers.settings
        self._blobs = BlobStore(settings.blobs_url)
        self.journal = Journal(self._blobs)
        self._images = [self._kept(size) for size in SIZES]
        env = {
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": settings.redis_url,
            "EVA01_BLOBS": settings.blobs,
            "EVA01_ANSWER_CACHE": "false",
            "EVA01_DEVICE": "cpu",
            "EVA01_THUMBNAIL_PX": "32",
            # What is so small takes longer by several threads, which wait for each other.
            "OMP_NUM_THREADS": "1",
        }
        self._log = (folder / "workers.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.families.nursery", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | env,
            text=True,
        )
        self._worker: int | None = None

    def start(self, family: str) -> None:
        """Start the worker of a family."""
        assert self._process.stdin
        self._process.stdin.write(f"{family} {free_port()}\n")
        self._process.stdin.flush()
        self._worker = self._heard()

    def stop(self) -> int:
        """End that worker as a node does; gives its exit code."""
        assert self._worker
        os.kill(self._worker, signal.SIGTERM)
        self._worker = None
        return self._heard()

    def answered(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs once all of them have ended."""
        ids = [job.id for job in jobs]

        def have_ended() -> bool:
            assert self._worker
            os.kill(self._worker, 0)
            return all(job.state.is_finished for job in self.store.get_jobs(ids))

        wait_until(have_ended, "all jobs are finished")
        return [self.store.get_job(id_) for id_ in ids]

    def batch(self, model: str, count: int = len(SIZES)) -> list[Job]:
        """Jobs of a new batch, about the first images or all."""
        batch = self.store.create_batch(Batch(model=model, question="what is this", options=OPTIONS))
        asked = {"batch_id": batch.id, "model": model, "question": batch.question, "options": OPTIONS}
        return [
            self.store.create_job(Job.model_validate({"file": f"{n}.png", "images": (image,), **asked}))[0]
            for n, image in enumerate(self._images[:count])
        ]

    def alone(self, job: Job) -> Job:
        """The same job by itself, once it has ended."""
        asked = {name: getattr(job, name) for name in ("file", "model", "question", "options", "images")}
        (ended,) = self.answered([self.store.create_job(Job(**asked))[0]])
        return ended

    def output(self) -> str:
        """What all workers have logged."""
        self._log.flush()
        return (self.folder / "workers.log").read_text()

    def end(self) -> None:
        """End all processes."""
        if self._worker:
            with suppress(ProcessLookupError):
                os.kill(self._worker, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._log.close()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._workers.end()

    def _kept(self, size: tuple[int, int]) -> str:
        image = Scene("white", (("red", "circle"),)).encode(width=size[0], height=size[1])
        sha256 = hashlib.sha256(image).hexdigest()
        self._blobs.put_image(sha256, image)
        return sha256

    def _heard(self) -> int:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, self.output()
        return int(line)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery"))
    yield made
    made.end()


def said(job: Job) -> object:
    """What came of a job; random weights may say nothing that is text."""
    assert job.error is None or job.error.code == "empty_answer", job.error
    assert job.usage
    assert job.usage.visual_tokens > 0
    usage = job.usage.model_copy(update={"device_s": None})
    return job.state, job.answer, job.finish_reason, usage, job.width, job.height


@pytest.mark.parametrize("family", FAMILIES)
def test_a_worker_answers_a_batch_as_each_of_its_images_alone(nursery, family):
    model = NANO.name if family == "qwen2_5_vl" else card_for(str(nursery.folder / family)).name
    nursery.start(family)
    waiting = nursery.batch(model)
    together = nursery.answered(waiting)
    assert [said(job) for job in together] == [said(nursery.alone(job)) for job in together]
    assert any(job.state is JobState.SUCCEEDED for job in together)
    assert [job.id for job in nursery.journal.results(together[0].batch_id, [job.id for job in together])]
    assert nursery.stop() == 0, nursery.output()
