"""A job as a response of OpenAI's API."""

from typing import Any

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import FinishReason, Job, JobError, JobState, Usage
from jobs.contract.saying.logprobs import SaidToken
from web.openai.chat.completion import prompt_tokens, sureness_of, thought_tokens, told_in
from web.openai.responses.request import ResponseRequest

PREFIX = "resp_"
_STATUS = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "in_progress",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}
#: Why an answer ends before its end.
_CUT = {FinishReason.LENGTH: "max_output_tokens"}


def response_of(job: Job, logprobs: list[SaidToken] | None) -> dict[str, Any]:
    """The response that a job is so far, with how likely its answer's tokens were, where that was asked."""
    options = job.options
    return {
        "id": f"{PREFIX}{job.id}",
        "object": "response",
        "created_at": int(job.created_at.timestamp()),
        "status": status_of(job),
        "error": _error(job.error) if job.error else None,
        "incomplete_details": {"reason": _CUT[job.finish_reason]} if job.finish_reason in _CUT else None,
        "instructions": None,
        "max_output_tokens": options.max_new_tokens,
        "model": job.model,
        "output": _output_of(job, logprobs),
        "parallel_tool_calls": False,
        "previous_response_id": None,
        "store": True,
        "temperature": options.temperature,
        "text": {"format": _format(options.response_format), "verbosity": "medium"},
        "tool_choice": "none",
        "tools": [],
        "top_logprobs": options.top_logprobs or 0,
        "top_p": options.top_p,
        "truncation": "disabled",
        "usage": _usage(job) if job.usage or job.state is JobState.SUCCEEDED else None,
        "metadata": {},
        **sureness_of(job),
    }


def status_of(job: Job) -> str:
    """How far a job is, as responses say it."""
    return _STATUS.get(job.state) or ("incomplete" if job.finish_reason in _CUT else "completed")


def _output_of(job: Job, logprobs: list[SaidToken] | None) -> list[dict[str, Any]]:
    thought = [] if job.reasoning is None else [reasoning_of(job, job.reasoning)]
    return thought if job.answer is None else [*thought, message_of(job, job.answer, logprobs)]


def reasoning_of(job: Job, thought: str | None) -> dict[str, Any]:
    """What is thought before the answer; None before it is begun."""
    ended = "incomplete" if job.answer is None else "completed"
    return {
        "id": f"rs_{job.id}",
        "type": "reasoning",
        "summary": [],
        "status": ended if job.state.is_finished else "in_progress",
        "content": [] if thought is None else [thought_part(thought)],
    }


def thought_part(thought: str) -> dict[str, Any]:
    """What is thought, as a part of its item."""
    return {"type": "reasoning_text", "text": thought}


def message_of(job: Job, answer: str | None, logprobs: list[SaidToken] | None) -> dict[str, Any]:
    """What is said; None before it is begun."""
    return {
        "id": f"msg_{job.id}",
        "type": "message",
        "role": "assistant",
        "status": status_of(job) if job.state.is_finished else "in_progress",
        "content": [] if answer is None else [text_of(answer, logprobs)],
    }


def text_of(answer: str, logprobs: list[SaidToken] | None) -> dict[str, Any]:
    """What is said, as a part of a message."""
    return {"type": "output_text", "text": answer, "annotations": [], "logprobs": logprobs or []}


def _error(error: JobError) -> dict[str, str]:
    return {"code": error.code, "message": told_in(ResponseRequest.NAMES, error.message)}


def _format(wanted: ResponseFormat | None) -> dict[str, Any]:
    if wanted is None:
        return {"type": "text"}
    named = wanted.json_schema
    return {"type": wanted.type.value, **(named.model_dump(by_alias=True) if named else {})}


def _usage(job: Job) -> dict[str, Any]:
    usage = job.usage or Usage()
    asked = prompt_tokens(usage)
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        **thought_tokens(job, "output_tokens_details"),
        "total_tokens": asked + usage.output_tokens,
    }
