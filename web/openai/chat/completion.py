"""A finished job as a chat completion."""

from collections.abc import Mapping
from typing import Any

from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, EngineFailure, Eva01Error
from jobs.contract.models import FinishReason, Job, Usage
from jobs.contract.saying.logprobs import SaidToken

PREFIX = "chatcmpl-"
#: What a message calls what was thought before it, as vLLM and DeepSeek do.
THOUGHT = "reasoning_content"


def completion_of(job: Job, logprobs: list[SaidToken] | None) -> dict[str, Any]:
    """The completion that an answered job is, with how likely its tokens were, where that was asked."""
    return {
        "id": f"{PREFIX}{job.id}",
        "object": "chat.completion",
        "created": int(job.created_at.timestamp()),
        "model": job.model,
        "choices": [
            {
                "index": 0,
                "message": _message_of(job),
                "logprobs": None if logprobs is None else {"content": logprobs, "refusal": None},
                "finish_reason": finish_reason_of(job),
                **sureness_of(job),
            }
        ],
        "usage": usage_of(job),
    }


def _message_of(job: Job) -> dict[str, Any]:
    """What is said, and what was thought before, where there was anything."""
    thought = {THOUGHT: job.reasoning} if job.reasoning else {}
    return {"role": "assistant", "content": job.answer, "refusal": None} | thought


def finish_reason_of(job: Job) -> str:
    """Why the answer ends where it does."""
    return (job.finish_reason or FinishReason.STOP).value


def sureness_of(job: Job) -> dict[str, Any]:
    """How sure the model was, in all and of each field: an addition of ours, which their clients keep."""
    return {"confidence": job.confidence, "field_confidence": job.field_confidence}


def usage_of(job: Job) -> dict[str, Any]:
    """How many tokens it took."""
    usage = job.usage or Usage()
    prompt = prompt_tokens(usage)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        **thought_tokens(job, "completion_tokens_details"),
    }


def thought_tokens(job: Job, field: str) -> dict[str, Any]:
    """How many of its tokens were thought, in a `field` that is left out where nobody counted them."""
    counted = job.usage and job.usage.reasoning_tokens
    if counted is None and job.reasoning is not None:
        return {}
    return {field: {"reasoning_tokens": counted or 0}}


def prompt_tokens(usage: Usage) -> int:
    """Tokens of what was asked, images included: these alone, where a model tells no others."""
    return usage.visual_tokens if usage.prompt_tokens is None else usage.prompt_tokens


def failure_of(job: Job, names: Mapping[str, str]) -> Eva01Error:
    """Why a job that has ended has no answer, in the `names` that its request has for fields."""
    if job.error is None:
        message = f"The request was cancelled before job {job.id} had an answer."
        return Conflict(message, code=Code.JOB_FINISHED)
    message = told_in(names, job.error.message)
    return EngineFailure(message, code=Code.known(job.error.code) or Code.ENGINE_FAILED)


def told_in(names: Mapping[str, str], failure: str) -> str:
    """A worker's message, which has one field in it: how long an answer may be."""
    return failure.replace("max_new_tokens", names["max_new_tokens"])
