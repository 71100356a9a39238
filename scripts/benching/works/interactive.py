"""One question a second while thousands of jobs of a batch wait; beside the same without them."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles

from eva01 import Client
from jobs.contract.models import Batch, Job
from jobs.storage.stores import Stores
from scripts.benching.found import Found
from scripts.benching.house import house, small_model, start_worker, stores_of
from scripts.benching.options import Options
from scripts.benching.pictures import write_mixed
from scripts.benching.works.work import Work
from tests.processes import wait_until

_QUESTION = "Describe this image."
#: Images that the bulk is about, in turn, and jobs that are made at a time.
_IMAGES, _GROUP = 64, 500


def measure(options: Options) -> Iterator[Found]:
    """Questions to an idle house and behind bulk, in turn; other bulk each round."""
    model, every_s = small_model(options), options.of(1, 0)
    jobs, questions = options.of(5000, 60), options.of(25, 3)
    idle, behind = [], []
    with house(EVA01_MODELS=model) as stack, Client(stack.url) as client:
        start_worker(stack, model)
        stores = stores_of(stack)
        pictures = write_mixed(stack.folder, _IMAGES, 0)
        images = [_keep(stores, picture) for picture in pictures]
        _p95_s(client, model, pictures[:1], every_s)
        for _ in range(options.rounds):
            idle.append(_p95_s(client, model, pictures[:questions], every_s))
            batch = _bulk(stores, model, images, jobs)
            behind.append(_p95_s(client, model, pictures[:questions], every_s))
            left = client.batch(batch.id).counts["queued"]
            assert left, "the bulk was done before the questions were asked"
            client.cancel_batch(batch.id)
            client.wait(batch.id)
            # The cancelled leave their tickets, which the worker takes one by one.
            wait_until(lambda: not stores.queue.depth(model).waiting, "no ticket is left")
    ratios = [after / before for after, before in zip(behind, idle, strict=True)]
    yield Found("a question to an idle house: p95 (s)", idle, form=".3f")
    yield Found("the same behind bulk: p95 (s)", behind, form=".3f")
    yield Found("behind bulk ÷ idle", ratios, "≤ 2")


def _keep(stores: Stores, picture: Path) -> str:
    sha256 = hashlib.sha256(picture.read_bytes()).hexdigest()
    stores.blobs.put_image(sha256, picture)
    return sha256


def _bulk(stores: Stores, model: str, images: Sequence[str], count: int) -> Batch:
    """A batch of so many jobs, which nobody waits for."""
    batch = stores.store.create_batch(Batch(model=model, question=_QUESTION))
    asked = {"model": model, "question": _QUESTION, "batch_id": batch.id}
    for first in range(0, count, _GROUP):
        numbers = range(first, min(first + _GROUP, count))
        several = [{**asked, "file": f"{n}.png", "images": (images[n % len(images)],)} for n in numbers]
        stores.store.create_jobs([Job.model_validate(one) for one in several])
    return stores.store.close_batch(batch.id)


def _p95_s(client: Client, model: str, pictures: Sequence[Path], every_s: float) -> float:
    """The 95th percentile of the seconds from a question until its answer."""
    took_s = []
    for picture in pictures:
        began_s = time.perf_counter()
        job = client.analyze(picture, _QUESTION, model=model)
        took_s.append(time.perf_counter() - began_s)
        assert job.is_finished, "a question was not answered"
        assert job.error is None, job.error
        time.sleep(max(0.0, every_s - took_s[-1]))
    return quantiles(took_s, n=20, method="inclusive")[-1] if len(took_s) > 1 else took_s[0]


WORKS = {
    "W4": Work(
        "Single questions behind bulk",
        "25 questions to `nano`, a second apart, about mixed images; idle, and behind a batch of 5,000.",
        measure,
    )
}
