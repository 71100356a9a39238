"""What a job costs web, a worker and Redis behind a thousand jobs that wait, and behind a million."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from eva01 import Client
from jobs import flow
from jobs.contract.models import Batch, JobState
from scripts.benching.found import Found
from scripts.benching.house import STUB
from scripts.benching.options import Options
from scripts.benching.pictures import write_small
from scripts.benching.works.work import Work
from scripts.benching_store.load import OWNER, QUESTION, fill, groups
from scripts.benching_store.servers import KEY, Servers
from scripts.fuzzing.meter import cpu_s, measured
from tests.processes import Process, python, wait_until

_IMAGES, _GROUP = 64, 500
#: Answers after which a worker that has just started is measured, and those while it is ended.
_WARM, _SPARE = 50, 1000


def measure(options: Options) -> Iterator[Found]:
    """Two houses, one with each backlog, in turn."""
    few, many = options.of(1_000, 500), options.of(1_000_000, 1_000)
    sent, answered = options.of(2000, 60), options.of(1500, 20)
    a_round = _WARM + sent + answered + _SPARE
    web_ms: dict[int, list[float]] = {few: [], many: []}
    worker_ms: dict[int, list[float]] = {few: [], many: []}
    with _house() as short, _house() as long:
        redis_bytes = {few: short.fill(few)}
        short.empty()
        # What a worker comes to has to be there; what waits behind is only counted.
        long.add(options.rounds * a_round)
        redis_bytes[many] = long.fill(many)
        for number in range(options.rounds):
            short.top_up(few + _WARM + answered)
            for size, house in ((few, short), (many, long)):
                web_ms[size].append(1000 * house.web_s(sent, number) / sent)
                worker_ms[size].append(1000 * house.worker_s(answered))
    yield from _lines("CPU of web for an upload (ms)", web_ms, ".2f")
    yield from _lines("CPU of a worker for an answer (ms)", worker_ms, ".2f")
    yield Found(f"bytes of Redis for each of {few:,} jobs", [redis_bytes[few]], "≤ 1,200", ",.0f")
    yield Found(f"bytes of Redis for each of {many:,} jobs", [redis_bytes[many]], "≤ 1,200", ",.0f")
    yield Found("bytes of Redis: many ÷ few", [redis_bytes[many] / redis_bytes[few]], "≤ 1.10")


def _lines(what: str, found: dict[int, list[float]], form: str) -> Iterator[Found]:
    few, many = found
    for size in (few, many):
        yield Found(f"{what}, behind {size:,}", found[size], form=form)
    ratios = [after / before for before, after in zip(found[few], found[many], strict=True)]
    yield Found(f"{what}: behind {many:,} ÷ behind {few:,}", ratios, "≤ 1.10")


@contextmanager
def _house() -> Iterator["_House"]:
    with TemporaryDirectory(prefix="eva01-backlog-") as name:
        folder = Path(name)
        with Servers(folder, EVA01_MODELS=STUB, EVA01_MAX_QUEUED="10000000") as servers:
            yield _House(folder, servers)


class _House:
    """Redis and web, with a worker while one is measured."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self._folder, self._servers = folder, servers
        self._images = self._keep_images()
        self._batches = [self._new_batch()]

    def empty(self) -> None:
        """Forget all jobs."""
        self._servers.start_anew()
        self._batches = [self._new_batch()]

    def fill(self, count: int) -> float:
        """Add jobs whose images are nowhere; bytes of Redis for each."""
        # The first ones bring scripts, lists and buffers that all use.
        fill(self._servers.stores, self._batches[0], min(count, _GROUP), JobState.QUEUED)
        self._servers.wait_until_quiet()
        before = self._servers.info("memory")["used_memory"]
        fill(self._servers.stores, self._batches[0], count, JobState.QUEUED)
        self._servers.wait_until_quiet()
        return float(self._servers.info("memory")["used_memory"] - before) / count

    def add(self, count: int) -> None:
        """Add jobs that can be answered."""
        for group in groups(self._batches[0], count, _GROUP):
            images = [(self._images[number % _IMAGES],) for number in range(len(group))]
            jobs = [one.model_copy(update={"images": im}) for one, im in zip(group, images, strict=True)]
            self._servers.stores.store.create_jobs(jobs)

    def top_up(self, count: int) -> None:
        """Have so many jobs wait."""
        self.add(max(0, count - self._counted(JobState.QUEUED)))

    def web_s(self, count: int, seed: int) -> float:
        """Seconds of CPU that web takes for an upload of so many files."""
        with (
            TemporaryDirectory(prefix="eva01-pictures-") as folder,
            Client(self._servers.url, key=KEY) as client,
        ):
            write_small(Path(folder), count, seed)
            batch = client.create_batch(QUESTION, model=STUB)
            with measured(self._servers.web_process()) as taken:
                failed = [sent.error for sent in client.upload_folder(batch.id, folder) if sent.error]
            assert not failed, failed
        self._batches.append(self._servers.stores.store.get_batch(batch.id))
        return taken.cpu_s

    def worker_s(self, count: int) -> float:
        """Seconds of CPU that a worker takes for an answer, on average of so many."""
        env = {
            "REDIS_URL": self._servers.redis_url,
            "EVA01_DATA": str(self._folder),
            "EVA01_WORKER_PORT": "0",
        }
        worker = Process.start(
            "worker", python("tests.stubs.worker", "0"), {"EVA01_ANSWER_CACHE": "false", **env}, self._folder
        )
        try:
            process, at_first = psutil.Process(worker.popen.pid), self._answered()
            wait_until(lambda: self._answered() >= at_first + _WARM, "a worker answers")
            before_s, before = cpu_s(process), self._answered()
            wait_until(lambda: self._answered() >= before + count, "it has answered enough")
            return (cpu_s(process) - before_s) / (self._answered() - before)
        finally:
            worker.end()

    def _answered(self) -> int:
        assert not self._counted(JobState.FAILED), "a job failed"
        return self._counted(JobState.SUCCEEDED)

    def _counted(self, state: JobState) -> int:
        batches = [self._servers.stores.store.get_batch(batch.id) for batch in self._batches]
        return sum(batch.counts[state] for batch in batches)

    def _keep_images(self) -> Sequence[str]:
        names = []
        for file in write_small(self._folder, _IMAGES, -1):
            names.append(hashlib.sha256(file.read_bytes()).hexdigest())
            self._servers.stores.blobs.put_image(names[-1], file)
        return names

    def _new_batch(self) -> Batch:
        return flow.open_batch(
            self._servers.stores, Batch(name="holiday", question=QUESTION, model=STUB, owner=OWNER)
        )


WORKS = {
    "W8": Work(
        "What a job costs behind others",
        "2,000 uploads, and 1,500 answers of a worker without a model; behind 1,000 jobs, or a few more,"
        " and behind 1,000,000.",
        measure,
    )
}
