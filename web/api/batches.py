"""Batches: make one, find it again, rename it, send files, close, cancel, retry, delete."""

from flask import Response, jsonify, url_for
from flask_openapi3 import FileStorage, Tag

from jobs import flow
from jobs.contract.access.audit import Kind, Target
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Conflict, TooLarge
from jobs.contract.models import Batch, BatchState
from web.access.audit import note_look
from web.access.caller import caller
from web.api.blueprint import Blueprint
from web.api.schemas.base import PROBLEMS, BatchPath
from web.api.schemas.batches import (
    BatchChange,
    BatchesPage,
    BatchesQuery,
    BatchView,
    FileOutcomes,
    KnownFiles,
    NewBatch,
    NewBatchView,
    RetriedView,
)
from web.api.schemas.forms import FilesForm
from web.http.conditional import fresh_json
from web.http.idempotency import speaks_of
from web.intake.asking import check_options, check_question, check_room, check_takes, choose_model
from web.intake.fetching import after_fetching
from web.intake.files import Intake
from web.intake.grouping import Said
from web.intake.known import asked_about, take_known
from web.intake.outcomes import FileOutcome, PassedOver
from web.intake.spool import spooled_request
from web.services import Services, services

batches = Blueprint(
    "batches",
    __name__,
    url_prefix="/api/batches",
    abp_tags=[Tag(name="batches", description="Many images, one question.")],
    abp_responses=PROBLEMS,
)


@batches.post("", responses={201: NewBatchView})
def create_batch(body: NewBatch) -> Response:
    """Make an open batch."""
    serving = services()
    card = choose_model(serving, body.model)
    batch = Batch(
        owner=caller().owner,
        name=_checked_name(body.name, serving.limits.max_path_chars),
        question=check_question(card, body.question, serving.limits),
        model=card.name,
        options=check_options(serving, card, body),
    )
    flow.open_batch(serving, batch)
    speaks_of(batch)
    response = jsonify({**batch.public(), "price": card.price and card.price.model_dump()})
    response.status_code = 201
    response.headers["Location"] = url_for("progress.get_batch", batch_id=batch.id)
    return response


def listed(query: BatchesQuery) -> tuple[list[Batch], str | None]:
    """The batches that are asked for, and where to go on."""
    serving, who = services(), caller()
    if who.sees_all:
        note_look(who, Target(kind=Kind.OWNER, id="all"))
    return serving.batch_list.page(
        owners=None if who.sees_all else who.owners,
        search=query.search,
        cursor=query.cursor,
        limit=query.limit,
        looked_at=serving.limits.max_looked_at,
    )


@batches.get("", responses={200: BatchesPage})
def list_batches(query: BatchesQuery) -> Response:
    """The caller's batches, the latest change first; all, or those whose name or question holds some text."""
    found, next_cursor = listed(query)
    return fresh_json({"batches": [batch.public() for batch in found], "next_cursor": next_cursor})


@batches.patch("/<batch_id>", responses={200: BatchView})
def rename_batch(path: BatchPath, body: BatchChange) -> Response:
    """Give a batch another name."""
    serving = services()
    name = _checked_name(body.name, serving.limits.max_path_chars)
    return jsonify(flow.rename_batch(serving, path.batch_id, name).public())


@batches.delete("/<batch_id>", responses={204: None})
def delete_batch(path: BatchPath) -> Response:
    """Delete a batch with its jobs and answers, and the images that no other job uses.

    From now on it is unknown; its parts are removed in the background, and what still runs is cancelled.
    """
    flow.delete_batch(services(), path.batch_id)
    return Response(status=204)


@batches.post("/<batch_id>/files", responses={202: FileOutcomes})
def add_files(path: BatchPath, form: FilesForm) -> Response:
    """Send images, zips of images, addresses of images; says for each job if it is accepted, or why not.

    Work begins at once, or when all images at addresses are fetched. A file that the batch has already, of
    the same path and content, makes no second job. Another file of a path that it has gets a name of its own.
    Files of one job come in one request; where one of them is refused, all of them are.
    """
    serving = services()

    def take(files: list[FileStorage]) -> Response:
        batch = _taking_batch(serving, path.batch_id)
        card = choose_model(serving, batch.model)
        spooled = spooled_request()
        with flow.accepting(serving, batch, caller().quotas) as request:
            intake = Intake(serving, request, card, form.said, spooled.check_budget, spooled.spend)
            outcomes = list(intake.take(files))
        return _outcomes(outcomes, 202, intake)

    return after_fetching(serving, form.files, lambda: _taking_batch(serving, path.batch_id), take)


@batches.post("/<batch_id>/known", responses={200: FileOutcomes})
def add_known_files(path: BatchPath, body: KnownFiles) -> Response:
    """Add images that are here already, by their hashes: `accepted`, or `unknown` when they must be sent.

    A file that the batch has already makes no second job. So an upload that was cut off goes on where it was.
    What became of `jobs` comes behind that of `files`.
    """
    serving = services()
    limit = serving.limits.max_known_files
    if not body.count:
        raise BadInput("No file is named. Name some in `files` or `jobs`.", code=Code.INVALID_FIELD)
    if body.count > limit:
        raise TooLarge(
            f"The request names {body.count:,} files; the limit is {limit:,} (EVA01_MAX_KNOWN_FILES)."
            " Ask in several requests.",
            code=Code.TOO_MANY_FILES,
        )
    batch = _open_batch(serving, path.batch_id)
    check_room(serving, batch.model, batch.owner)
    card = choose_model(serving, batch.model)
    asked = asked_about(body.files, body.jobs, serving.limits)
    for own in (one.question for one in asked if one.question):
        check_question(card, own, serving.limits)
    spooled = spooled_request()
    with flow.accepting(serving, batch, caller().quotas) as request:
        intake = Intake(serving, request, card, Said(), spooled.check_budget, spooled.spend)
        outcomes = take_known(serving, request, intake, asked)
    return _outcomes(outcomes, 200)


@batches.post("/<batch_id>/close", responses={200: BatchView})
def close_batch(path: BatchPath) -> Response:
    """Say that no more files come; refused while the batch is being made of a file of requests."""
    serving = services()
    if not serving.store.get_batch(path.batch_id).is_done:
        serving.orders.check_made(path.batch_id)
    return jsonify(flow.close_batch(serving, path.batch_id).public())


@batches.post("/<batch_id>/cancel", responses={200: BatchView})
def cancel_batch(path: BatchPath) -> Response:
    """Cancel what has no answer yet, and take no more files."""
    return jsonify(flow.cancel_batch(services(), path.batch_id).public())


@batches.post("/<batch_id>/retry", responses={200: RetriedView})
def retry_batch(path: BatchPath) -> Response:
    """Run the failed jobs again, but for those whose file was refused, or whose answer was cut."""
    batch, retried = flow.retry_batch(services(), path.batch_id, caller().quotas)
    return jsonify({**batch.public(), "retried": retried.queued, "left_cut_short": retried.cut_short})


def _outcomes(outcomes: list[FileOutcome], status: int, intake: Intake | None = None) -> Response:
    view = FileOutcomes(
        files=outcomes,
        passed_over=intake.passed_over if intake else PassedOver(),
        unused_questions=[*intake.unused_questions] if intake else [],
    )
    return Response(view.model_dump_json(), status, mimetype="application/json")


def _open_batch(serving: Services, batch_id: str) -> Batch:
    batch = serving.store.get_batch(batch_id)
    if batch.state is not BatchState.OPEN:
        raise Conflict(
            f"Batch {batch_id} is {batch.state} and takes no more files. Make a new batch.",
            code=Code.BATCH_CLOSED,
        )
    serving.orders.check_made(batch_id)
    return batch


def _taking_batch(serving: Services, batch_id: str) -> Batch:
    """An open batch that may have one more job."""
    batch = _open_batch(serving, batch_id)
    check_takes(serving, batch.model, batch.owner)
    return batch


def _checked_name(name: str, max_chars: int) -> str:
    if len(name) > max_chars:
        raise TooLarge(
            f"The batch's name has {len(name):,} characters; the limit is {max_chars:,}"
            " (EVA01_MAX_PATH_CHARS).",
            code=Code.NAME_TOO_LONG,
        )
    return name.strip()
