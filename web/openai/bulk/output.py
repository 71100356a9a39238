"""What became of a batch's requests, as OpenAI's clients read it: a line each, made as it is read."""

from collections.abc import Iterator
from enum import StrEnum
from http import HTTPStatus
from itertools import chain
from typing import Any

from pydantic_core import to_json

from jobs.contract.asking.order import Order
from jobs.contract.chunks import chunks
from jobs.contract.models import Job, JobState
from web.intake.spool import CHAT_PATH
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


def lines_of(serving: Services, batch_id: str, which: Output, order: Order | None) -> Iterator[bytes]:
    """A line for each of a batch's requests that came so far, in the order in which they came."""
    if which is Output.ANSWERS:
        return _answers(serving, batch_id, ENDPOINTS[order.endpoint if order else CHAT_PATH])
    results = serving.store.results
    failed = chain(results(batch_id, JobState.FAILED), results(batch_id, JobState.CANCELLED))
    return (_line(job, *_error(job, order)) for job in failed)


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
    error = failure_of(job)
    code = job.error.code if job.error else error.code
    return _response(job, *error_of(code, error.message, error.code.http_status)), None


def _unanswered(*, is_late: bool) -> dict[str, str]:
    if is_late:
        return {"code": "batch_expired", "message": "There was no answer before the time was over."}
    return {"code": "batch_cancelled", "message": "The batch was cancelled before there was an answer."}


def _response(job: Job, status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": job.id, "body": body}


def _line(job: Job, response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
    custom_id = job.sent_as or job.file
    told = {"id": f"batch_req_{job.id}", "custom_id": custom_id, "response": response, "error": error}
    return to_json(told) + b"\n"
