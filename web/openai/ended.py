"""Whether the job of a request has ended, and what becomes of one that nobody waits for."""

import time

from jobs import flow
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, EngineFailure, NotFound, Unavailable
from jobs.contract.models import Job
from jobs.contract.saying.logprobs import SaidToken
from web.services import Services


def ended(serving: Services, job_id: str, until_s: float) -> Job | None:
    """The job when it has ended; None until `until_s` by the monotonic clock, and while the server runs.

    Raises Unavailable (`server_stops`) and EngineFailure (`answer_too_late`) then, and the job is cancelled.
    """
    job = serving.store.get_job(job_id)
    if job.state.is_finished:
        return job
    if serving.stopping.is_set():
        cancel(serving, job_id)
        raise Unavailable("The server is being stopped. Send the request again.", code=Code.SERVER_STOPS)
    if time.monotonic() >= until_s:
        cancel(serving, job_id)
        raise EngineFailure(
            f"Job {job_id} had no answer after {serving.web.chat_wait_s:g} s (EVA01_CHAT_WAIT_S), and is"
            " cancelled. Ask again when less waits, or make a batch.",
            code=Code.ANSWER_TOO_LATE,
        )
    return None


def cancel(serving: Services, job_id: str) -> None:
    """Cancel a job for whose answer nobody waits any more, unless it has one by now."""
    try:
        flow.cancel_job(serving, job_id)
    except (Conflict, NotFound):
        return


def logprobs_of(serving: Services, job: Job) -> list[SaidToken] | None:
    """How likely the tokens of its answer were; None where that was not asked."""
    if job.options.top_logprobs is None:
        return None
    return serving.journal.logprobs(None, {job.id: job.answer}).get(job.id, [])
