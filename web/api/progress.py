"""How far a batch is."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from jobs.contract.models import Batch, JobState, Timeline
from web.access.link import shown_batch
from web.api.schemas.base import PROBLEMS, BatchPath
from web.api.schemas.batches import BatchView
from web.http.conditional import fresh_json
from web.services import services

#: Retry-After in seconds while jobs of the batch run, and while it waits for files or workers.
_MOVING_S, _WAITING_S = 1, 2

progress = APIBlueprint(
    "progress",
    __name__,
    url_prefix="/api/batches/<batch_id>",
    abp_tags=[Tag(name="batches", description="Many images, one question.")],
    abp_responses=PROBLEMS,
)


@progress.get("", responses={200: BatchView})
def get_batch(path: BatchPath) -> Response:
    """How many jobs are in each state, how fast it goes, and how long it will take."""
    batch = services().store.get_batch(path.batch_id)
    return fresh_json(shown_batch(batch).public(), retry_after_s=look_again_s(batch))


@progress.get("/timeline", responses={200: Timeline})
def get_timeline(path: BatchPath) -> Response:
    """How many jobs came to an end when."""
    serving = services()
    batch = serving.store.get_batch(path.batch_id)
    timeline = serving.feed.timeline(batch).model_dump(mode="json")
    return fresh_json(timeline, retry_after_s=look_again_s(batch))


def look_again_s(batch: Batch) -> int | None:
    """Seconds after which to ask about a batch again; None when it is done."""
    if batch.is_done:
        return None
    return _MOVING_S if batch.counts[JobState.RUNNING] else _WAITING_S
