"""Realistic batches: photos named as cameras name them, one question, some answers."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

from jobs import flow
from jobs.contract.models import Batch, Job, JobError, JobState, Usage, utc_now
from jobs.storage.stores import Stores

MODEL = "nano"
#: To whom all belongs: what an owner takes is counted.
OWNER = "anna"
QUESTION = "Is there a person in this photo? Answer yes or no."
#: Jobs that are created at a time.
_GROUP = 500
_ANSWER = "Yes: two people stand in front of a lake, and one of them waves at the camera."
_ERROR = JobError(
    code="deadline_exceeded",
    message="The model had no answer after 600 s on the device (EVA01_JOB_TIMEOUT_S).",
)
_TAKES = timedelta(seconds=1.234)


def new_batch(stores: Stores) -> Batch:
    """An open batch without jobs."""
    return flow.open_batch(stores, Batch(name="holiday", question=QUESTION, model=MODEL, owner=OWNER))


def fill(stores: Stores, batch: Batch, count: int, *states: JobState) -> None:
    """Add `count` jobs to a batch, whose states alternate."""
    for first in range(0, count, _GROUP):
        numbers = range(first, min(first + _GROUP, count))
        stores.store.create_jobs(
            [job(batch, number, states[number % len(states)]) for number in numbers], is_restored=True
        )


def groups(batch: Batch, count: int, size: int) -> Iterator[list[Job]]:
    """`count` new jobs, in lists of `size`."""
    for first in range(0, count, size):
        yield [job(batch, number) for number in range(first, min(first + size, count))]


def job(batch: Batch, number: int, state: JobState = JobState.QUEUED) -> Job:
    """A job about a photo that no other job has."""
    asked = Job(
        batch_id=batch.id,
        owner=batch.owner,
        file=f"2024/holiday/IMG_{number:05}.jpg",
        question=batch.question,
        model=batch.model,
        images=(secrets.token_hex(32),),
        media_types=("image/jpeg",),
    )
    return asked if state is JobState.QUEUED else asked.model_copy(update={"state": state, **_end(state)})


def _end(state: JobState) -> dict[str, object]:
    now = utc_now()
    went = {"attempts": 1, "started_at": now - _TAKES, "finished_at": now, "width": 4032, "height": 3024}
    if state is JobState.FAILED:
        return went | {"error": _ERROR}
    usage = Usage(visual_tokens=1296, output_tokens=19)
    return went | {"answer": _ANSWER, "usage": usage, "recipe": secrets.token_hex(16)}
