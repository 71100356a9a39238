"""Batches: make one, send files, close, cancel, retry, and see how far it is."""

from itertools import islice

from flask import Response, jsonify, url_for
from flask_openapi3 import APIBlueprint, Tag

from jobs.errors import Conflict, TooLarge
from jobs.metrics import JOBS_TOTAL, count_cancelled
from jobs.models import Batch, BatchState, JobState
from web.asking import check_options, check_question, check_room, choose_model
from web.conditional import fresh_json
from web.intake import Intake
from web.schemas import PROBLEMS, BatchPath, BatchView, FileOutcomes, FilesForm, NewBatch, RetriedView
from web.services import Services, services

#: Seconds after which to look again at a batch that moves, and at one that waits for files or workers.
_MOVING_S, _WAITING_S = 1, 2
_RETRIED_AT_A_TIME = 500

batches = APIBlueprint(
    "batches",
    __name__,
    url_prefix="/api/batches",
    abp_tags=[Tag(name="batches", description="Many images, one question.")],
    abp_responses=PROBLEMS,
)


@batches.post("", responses={201: BatchView})
def create_batch(body: NewBatch) -> Response:
    """Make an open batch."""
    serving = services()
    card = choose_model(serving, body.model)
    batch = Batch(
        name=_checked_name(body.name, serving.limits.max_path_chars),
        question=check_question(card, body.question, serving.limits),
        model=card.name,
        options=check_options(body.max_new_tokens, serving.limits),
    )
    serving.store.create_batch(batch)
    serving.journal.note_batch(batch)
    response = jsonify(batch.public())
    response.status_code = 201
    response.headers["Location"] = url_for("batches.get_batch", batch_id=batch.id)
    return response


@batches.get("/<batch_id>", responses={200: BatchView})
def get_batch(path: BatchPath) -> Response:
    """How many jobs are in each state, how fast it goes, and how long it will take."""
    batch = services().store.get_batch(path.batch_id)
    return fresh_json(batch.public(), retry_after_s=_look_again_s(batch))


@batches.delete("/<batch_id>", responses={204: None})
def delete_batch(path: BatchPath) -> Response:
    """Delete a batch with its jobs and answers, and the images that no other job uses.

    From now on it is unknown; its parts are removed in the background, and what still runs is cancelled.
    """
    services().store.mark_removed(path.batch_id)
    return Response(status=204)


@batches.post("/<batch_id>/files", responses={202: FileOutcomes})
def add_files(path: BatchPath, form: FilesForm) -> Response:
    """Send images, or zips of images; says for each whether it is accepted, and if not, why.

    Work begins at once. A file that the batch has already under the same path makes no second job.
    """
    serving = services()
    batch = _open_batch(serving, path.batch_id)
    check_room(serving, batch.model)
    intake = Intake(serving, batch, choose_model(serving, batch.model), form.questions)
    outcomes = [outcome.model_dump(mode="json") for sent in form.files for outcome in intake.take(sent)]
    serving.journal.note_jobs(batch.id, intake.jobs)
    response = jsonify({"files": outcomes})
    response.status_code = 202
    return response


@batches.post("/<batch_id>/close", responses={200: BatchView})
def close_batch(path: BatchPath) -> Response:
    """Say that no more files come."""
    serving = services()
    batch = serving.store.close_batch(path.batch_id)
    serving.journal.note_batch(batch)
    return jsonify(batch.public())


@batches.post("/<batch_id>/cancel", responses={200: BatchView})
def cancel_batch(path: BatchPath) -> Response:
    """Cancel what has no answer yet, and take no more files."""
    serving = services()
    before = serving.store.cancel_batch(path.batch_id)
    batch = serving.store.get_batch(path.batch_id)
    serving.journal.note_batch(batch)
    for state in before:
        count_cancelled(batch.model, state)
    serving.queue.drop_surplus(batch.model)
    return jsonify(batch.public())


@batches.post("/<batch_id>/retry", responses={200: RetriedView})
def retry_batch(path: BatchPath) -> Response:
    """Run the failed jobs again, but for those whose file was refused."""
    serving = services()
    serving.store.get_batch(path.batch_id)
    retried = _retry(serving, path.batch_id)
    batch = serving.store.get_batch(path.batch_id)
    JOBS_TOTAL.labels(batch.model, JobState.QUEUED).inc(retried)
    return jsonify({**batch.public(), "retried": retried})


def _retry(serving: Services, batch_id: str) -> int:
    failed = serving.store.failed_jobs(batch_id)
    retried = 0
    while job_ids := [*islice(failed, _RETRIED_AT_A_TIME)]:
        jobs = [job for job in map(serving.store.get_job, job_ids) if job.state is JobState.FAILED]
        # Before they run again, so that what is dropped is not what they say next.
        serving.journal.drop_results(jobs)
        for job in jobs:
            if serving.store.retry(job.id):
                serving.queue.enqueue(job)
                retried += 1
    return retried


def _open_batch(serving: Services, batch_id: str) -> Batch:
    batch = serving.store.get_batch(batch_id)
    if batch.state is not BatchState.OPEN:
        raise Conflict(
            f"Batch {batch_id} is {batch.state} and takes no more files. Make a new batch.",
            code="batch_closed",
        )
    return batch


def _checked_name(name: str, max_chars: int) -> str:
    if len(name) > max_chars:
        raise TooLarge(
            f"The batch's name has {len(name):,} characters; the limit is {max_chars:,}"
            " (EVA01_MAX_PATH_CHARS).",
            code="name_too_long",
        )
    return name.strip()


def _look_again_s(batch: Batch) -> int | None:
    if batch.is_done:
        return None
    return _MOVING_S if batch.counts[JobState.RUNNING] else _WAITING_S
