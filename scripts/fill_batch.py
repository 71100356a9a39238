"""Fills a real store with a made-up batch, to look at and measure the page: no worker answers these.

    python scripts/fill_batch.py --jobs 10000 --failed 200 --images 4

Reads REDIS_URL, EVA01_DATA and EVA01_BLOBS as web does. Draws some landscapes, keeps them with their
thumbnails as a worker would, and writes jobs that ask about them, each with an end in the past. Prints the
batch's id.
"""

import argparse
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import cast

from PIL import Image, ImageDraw

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Look, Result, Usage, utc_now
from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.storage.store import JobStore
from web.services import Services

QUESTION = "Describe the landscape in one or two sentences."
THUMBNAIL_PX = 320
#: Jobs that end through the store's own `finish`, so that a batch under way has a rate.
LATEST = 48

HOURS = {
    "dawn": ("#f6b48f", "#fbe7c6", "a pale dawn"),
    "noon": ("#6fb7e9", "#dff1fb", "a clear noon sky"),
    "dusk": ("#51307a", "#f08a4b", "a purple dusk"),
    "night": ("#0b1030", "#2c3a70", "a night sky"),
}
HILLS = {
    "green": ("#7fae5c", "#4e7f45", "#2e5538"),
    "grey": ("#a9adbd", "#777d92", "#4c5168"),
    "red": ("#d59a72", "#a95f45", "#6d3a36"),
}
REASONS = (
    (
        "truncated_image",
        "The image is cut short or damaged (image file is truncated). Send the whole file.",
        True,
    ),
    ("not_an_image", "The file is no image of a known format. Save it as JPEG, PNG or WebP.", False),
    ("deadline_exceeded", "The model had no answer after 120 s on the device (EVA01_JOB_TIMEOUT_S).", True),
    ("empty_answer", "The model said nothing. Ask in other words.", True),
)


@dataclass(frozen=True)
class Picture:
    """A drawn landscape in the blob store, and a plausible answer about it."""

    sha256: str
    width: int
    height: int
    answer: str


@dataclass(frozen=True)
class Wish:
    """How many jobs the batch has in each state."""

    jobs: int
    #: How many images each job is about.
    images: int = 1
    failed: int = 0
    cancelled: int = 0
    queued: int = 0
    running: int = 0
    model: str = "qwen2.5-vl-7b"
    name: str = "Field survey"
    pictures: int = 200
    #: How long the batch has taken.
    span_s: float = 600.0


def main() -> None:
    """Read the wish from the command line and fill the store."""
    parser = argparse.ArgumentParser(description="Fill a real store with a made-up batch.")
    for name, default in vars(Wish(jobs=10_000)).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    wish = Wish(**vars(parser.parse_args()))
    services = Services.open(Settings.read(), Limits.read(), WebSettings.read())
    print(fill(services, wish).id)


def fill(services: Services, wish: Wish, seed: int = 1) -> Batch:
    """Write a batch as `wish` describes it; the same jobs for the same seed."""
    dice = random.Random(seed)
    pictures = [_keep(services, dice) for _ in range(min(wish.pictures, wish.jobs))]
    came_at = utc_now() - timedelta(seconds=wish.span_s)
    batch = Batch(name=wish.name, question=QUESTION, model=wish.model, created_at=came_at)
    services.store.create_batch(batch)
    late = []
    for number, state in enumerate(_states(wish, dice)):
        job = _job(number, state, batch, wish, [dice.choice(pictures) for _ in range(wish.images)], dice)
        is_late = wish.queued and state is JobState.SUCCEEDED and number > wish.jobs - wish.queued - LATEST
        if is_late:
            late.append(job)
            job = _before_end(job)
        services.store.create_job(job, is_restored=True)
    for job in late:
        _finish(services, job)
    return services.store.close_batch(batch.id) if not wish.queued else services.store.get_batch(batch.id)


def _finish(services: Services, job: Job) -> None:
    """End a running job at the time at which it ended, as a worker does: a batch's rate comes from that."""
    ended_s = cast(datetime, job.finished_at).timestamp()
    store = JobStore(services.store.redis, clock=lambda: ended_s)
    store.finish(job.id, Result(answer=job.answer, width=job.width, height=job.height, usage=job.usage))


def _before_end(job: Job) -> Job:
    """The job as it was before it ended."""
    return job.model_copy(
        update={"state": JobState.RUNNING, "answer": None, "finished_at": None, "usage": None}
    )


def _states(wish: Wish, dice: random.Random) -> Iterator[JobState]:
    """The states in the order in which the files came: what is not done yet comes last."""
    ended = [JobState.FAILED] * wish.failed + [JobState.CANCELLED] * wish.cancelled
    ended += [JobState.SUCCEEDED] * max(0, wish.jobs - len(ended) - wish.queued - wish.running)
    dice.shuffle(ended)
    yield from ended
    yield from [JobState.RUNNING] * wish.running
    yield from [JobState.QUEUED] * wish.queued


def _job(
    number: int, state: JobState, batch: Batch, wish: Wish, pictures: Sequence[Picture], dice: random.Random
) -> Job:
    picture, is_several = pictures[0], len(pictures) > 1
    file = f"valley-{number // 500 + 1:02}/IMG_{number:05}"
    done = max(1, wish.jobs - wish.queued - wish.running)
    # Slow at first, as while a fleet scales up.
    ended_at = batch.created_at + timedelta(seconds=wish.span_s * min(1.0, (number + 1) / done) ** 0.6)
    ran = timedelta(seconds=dice.lognormvariate(0.2, 0.6))
    job = Job(
        batch_id=batch.id,
        state=state,
        file=file if is_several else f"{file}.jpg",
        files=tuple(f"{file}/{place}.jpg" for place in range(1, len(pictures) + 1)) if is_several else (),
        question=batch.question,
        model=batch.model,
        images=tuple(one.sha256 for one in pictures),
        media_types=("image/jpeg",) * len(pictures),
        created_at=batch.created_at + timedelta(milliseconds=number),
        attempts=0 if state is JobState.QUEUED else 1,
    )
    if state is JobState.QUEUED:
        return job
    change: dict[str, object] = {"started_at": max(job.created_at, ended_at - ran)}
    if state is not JobState.RUNNING:
        change["finished_at"] = ended_at
    if state is JobState.SUCCEEDED:
        usage = Usage(
            visual_tokens=picture.width * picture.height // 784, output_tokens=len(picture.answer) // 4
        )
        change |= {"answer": picture.answer, "usage": usage, "width": picture.width, "height": picture.height}
        looks = tuple(Look(width=one.width, height=one.height) for one in pictures)
        change |= {"looks": looks if is_several else ()}
    if state is JobState.FAILED:
        code, message, has_image = dice.choice(REASONS)
        change["error"] = JobError(code=code, message=message)
        if not has_image:
            change |= {"images": (), "media_types": (), "files": (), "is_refused": True}
    return job.model_copy(update=change)


def _keep(services: Services, dice: random.Random) -> Picture:
    """Draw a landscape and keep it, with its thumbnail."""
    image, answer = landscape(dice)
    data, small = BytesIO(), BytesIO()
    image.save(data, "JPEG", quality=85)
    sha256 = hashlib.sha256(data.getvalue()).hexdigest()
    thumbnail = image.copy()
    thumbnail.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    thumbnail.save(small, "WEBP", quality=75)
    services.blobs.put_image(sha256, data.getvalue())
    services.blobs.put(names.thumbnail_path(sha256), small.getvalue())
    return Picture(sha256, *image.size, answer)


def landscape(dice: random.Random) -> tuple[Image.Image, str]:
    """A landscape of hills under a sky, 960 pixels on its longer side, and a plausible answer about it."""
    width, height = dice.choice([(960, 640), (960, 640), (960, 540), (640, 960), (800, 800)])
    hour, hills = dice.choice(sorted(HOURS)), dice.choice(sorted(HILLS))
    top, bottom, sky = HOURS[hour]
    image = Image.linear_gradient("L").resize((width, height))
    image = Image.composite(Image.new("RGB", image.size, bottom), Image.new("RGB", image.size, top), image)
    pen = ImageDraw.Draw(image)
    radius, x, y = (
        width // 14,
        dice.randint(width // 6, width * 5 // 6),
        dice.randint(height // 8, height // 3),
    )
    light = "#f4f1de" if hour == "night" else "#fff3c4"
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=light)
    for layer, color in enumerate(HILLS[hills]):
        pen.polygon(_ridge(width, height, layer, dice), fill=color)
    trees = dice.randint(0, 9)
    for _ in range(trees):
        _tree(pen, dice.randint(20, width - 20), dice.randint(int(height * 0.82), height - 10), height // 12)
    body = "moon" if hour == "night" else "sun"
    side = "left" if x < width / 2 else "right"
    words = f"Three {hills} ridges, one behind the other, under {sky}, with a round {body} on the {side}."
    seen = {0: " No tree grows there.", 1: " A single tree stands in front."}
    return image, words + seen.get(trees, f" In front stand {trees} dark fir trees.")


def _ridge(width: int, height: int, layer: int, dice: random.Random) -> list[tuple[int, int]]:
    base = height * (0.5 + 0.15 * layer)
    points = [
        (x, int(base - dice.random() * height * (0.2 - 0.05 * layer)))
        for x in range(-40, width + 80, width // (5 + 2 * layer))
    ]
    return [(-40, height), *points, (width + 80, height)]


def _tree(pen: ImageDraw.ImageDraw, x: int, foot: int, size: int) -> None:
    for part in range(3):
        y, half = foot - part * size // 2, (3 - part) * size // 6
        pen.polygon([(x - half, y), (x + half, y), (x, y - size * 3 // 4)], fill="#18302a")


if __name__ == "__main__":
    main()
