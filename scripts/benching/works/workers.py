"""Fleets of workers whose device sleeps for a second over each image; beside what that takes at best."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from jobs.contract.models import Batch, Job, WorkerState
from jobs.storage.stores import Stores
from scripts.benching.found import Found
from scripts.benching.house import STUB, house, start_sleeper, stores_of
from scripts.benching.options import Options
from scripts.benching.works.work import Work
from tests.chaos.fairness import PNG, SHA256
from tests.processes import Process, wait_until

_SIZES = (2, 4, 8, 16)
_TAKES_S = 1.0
#: Seconds between two looks whether all is done.
_LOOK_S = 0.01


def measure(options: Options) -> Iterator[Found]:
    """Each fleet has a Redis of its own; they work one after the other, in each round."""
    sizes = _SIZES[: options.of(len(_SIZES), 1)]
    each, takes_s = options.of(15, 2), _TAKES_S if not options.is_small else 0.1
    with ExitStack() as ends:
        fleets = [ends.enter_context(house(has_web=False)) for _ in sizes]
        workers: list[Process] = []
        for size, stack in zip(sizes, fleets, strict=True):
            names = [f"worker-{number}" for number in range(size)]
            workers += [start_sleeper(stack, name, takes_s, EVA01_WORKER_PORT="0") for name in names]
        stores = [stores_of(stack) for stack in fleets]
        for size, one in zip(sizes, stores, strict=True):
            _wait_for_workers(one, size, workers)
            _seconds(one, size)
        shares: list[list[float]] = [[] for _ in sizes]
        for _ in range(options.rounds):
            for size, one, found in zip(sizes, stores, shares, strict=True):
                found.append(each * takes_s / _seconds(one, size * each))
    for size, found in zip(sizes, shares, strict=True):
        yield Found(f"{size} workers: the ideal ÷ what it took", found, "≥ 0.97", ".3f")


def _wait_for_workers(stores: Stores, size: int, workers: Sequence[Process]) -> None:
    def are_ready() -> bool:
        assert all(worker.popen.poll() is None for worker in workers), "a worker has ended"
        return sum(one.state is WorkerState.READY for one in stores.fleet.workers()) == size

    wait_until(are_ready, f"{size} workers are ready")


def _seconds(stores: Stores, count: int) -> float:
    """From the creation of so many jobs until the last is answered."""
    stores.blobs.put_image(SHA256, PNG)
    batch = stores.store.create_batch(Batch(model=STUB))
    asked = {"model": STUB, "question": "?", "images": (SHA256,), "batch_id": batch.id}
    jobs = [Job.model_validate({**asked, "file": f"{number}.png"}) for number in range(count)]
    began_s = time.perf_counter()
    stores.store.create_jobs(jobs)
    wait_until(
        lambda: not stores.store.get_batch(batch.id).unfinished, "all are answered", 600, every_s=_LOOK_S
    )
    return time.perf_counter() - began_s


WORKS = {
    "W10": Work(
        "Workers that sleep",
        "2, 4, 8 and 16 workers, each with 15 images of 1 s, one after the other: the ideal is 15 s.",
        measure,
    )
}
