"""What became of a batch's requests, as OpenAI's clients read it: a line each, made as it is read."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from itertools import chain, islice
from typing import Any

from jobs.contract.asking.order import Order
from jobs.contract.chunks import chunks
from jobs.contract.errors import NotFound
from jobs.contract.models import Batch, BatchState, Job, JobState
from web.export.lines import json_lines
from web.intake.names.paths import shortened
from web.intake.spool import CHAT_PATH
from web.openai.bulk.lines import lines_in, named_in
from web.openai.chat.completion import failure_of
from web.openai.endpoints import ENDPOINTS, Endpoint
from web.openai.envelope import error_of
from web.services import Services

#: Jobs whose logprobs are in memory together: those of each may have EVA01_MAX_LOGPROBS_BYTES.
_AT_A_TIME = 8


class Output(StrEnum):
    """Which of a batch's requests."""

    #: Those with an answer.
    ANSWERS = "output"
    #: Those that have none, and never will unless they are sent again.
    ERRORS = "errors"


def lines_of(serving: Services, batch: Batch, which: Output, order: Order | None) -> Iterator[bytes]:
    """A line for each of a batch's requests that came so far, in the order in which they came.

    Those of a batch that was cancelled while its file was read come from the file, as far as it is there.
    """
    if which is Output.ANSWERS:
        return _answers(serving, batch.id, _endpoint(order))
    results = serving.store.results
    failed = chain(results(batch.id, JobState.FAILED), results(batch.id, JobState.CANCELLED))
    told = (_line(job, *_error(job, order)) for job in failed)
    is_cut = order and not order.is_filled and batch.state is BatchState.CANCELLED
    return chain(told, _unread(serving, batch, order)) if order and is_cut else told


def _endpoint(order: Order | None) -> Endpoint:
    return ENDPOINTS[order.endpoint if order else CHAT_PATH]


def _unread(serving: Services, batch: Batch, order: Order) -> Iterator[bytes]:
    """The lines of the file behind those that are jobs, which were made in their order."""
    limits, left = serving.limits, order.unread(batch.total)
    error = _unanswered(is_late=order.expired_at is not None)
    try:
        lines = lines_in(partial(serving.sent_files.piece, order.file), limits.max_chat_bytes)
        for line in islice(lines, batch.total, None):
            name = shortened(named_in(line, limits), limits.max_path_chars) or f"line-{line.number}"
            yield _told(f"{batch.id}_{line.number}", name, None, error)
            left -= 1
    except NotFound:
        said = f"{error['message']} The file is gone, of which {left:,} lines were not read."
        yield _told(f"{batch.id}_rest", "rest", None, {**error, "message": said})


def _answers(serving: Services, batch_id: str, endpoint: Endpoint) -> Iterator[bytes]:
    for jobs in chunks(serving.store.results(batch_id, JobState.SUCCEEDED), _AT_A_TIME):
        asked = {job.id: job.answer for job in jobs if job.options.top_logprobs is not None}
        known = serving.journal.logprobs(batch_id, asked) if asked else {}
        for job in jobs:
            logprobs = known.get(job.id, []) if job.id in asked else None
            yield _line(job, _response(job, HTTPStatus.OK, endpoint.whole(job, logprobs)), None)


def _error(job: Job, order: Order | None) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    """The response that a request had, and what is said of one that had none."""
    if job.state is JobState.CANCELLED:
        return None, _unanswered(is_late=order is not None and order.expired_at is not None)
    error = failure_of(job, _endpoint(order).request.ALL_NAMES)
    code = job.error.code if job.error else error.code
    return _response(job, *error_of(code, error.message, error.code.http_status)), None


def _unanswered(*, is_late: bool) -> dict[str, str]:
    if is_late:
        return {"code": "batch_expired", "message": "There was no answer before the time was over."}
    return {"code": "batch_cancelled", "message": "The batch was cancelled before there was an answer."}


def _response(job: Job, status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": job.id, "body": body}


def _line(job: Job, response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
    return _told(job.id, job.sent_as or job.file, response, error)


def _told(id_: str, name: str, response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
    told = {"id": f"batch_req_{id_}", "custom_id": name, "response": response, "error": error}
    return json_lines([told]).encode()
