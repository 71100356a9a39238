"""Makes an answer of what a server said: whole and as asked for, or a failure, never anything else."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Any

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Usage
from jobs.contract.saying.logprobs import SaidToken, TokenLogprob
from jobs.shape.checked import NotAsAsked, check_closed, checked, parsed
from worker.engines.base import Answer
from worker.engines.remote.asking import Asked
from worker.engines.remote.errors import filtered
from worker.engines.remote.said import Said
from worker.engines.saying.confidence import confidence_of, field_confidence_of
from worker.engines.saying.parting import Apart, apart

#: Characters of a broken answer that are shown.
_SHOWN_CHARS = 300


def answer_of(said: Said, asked: Asked) -> Answer:
    """What was said; where that is no answer, its `failure` is `empty_answer` or `incomplete_answer`.

    Raises EngineFailure (`content_filter`, `no_logprobs`).
    """
    wanted = asked.response_format
    parts = Apart(None, said.text.strip()) if wanted else apart(said.text)
    text, thought = parts.answer, "".join(said.thoughts).strip() or parts.thought
    reason = _reason(said, text, wanted)
    if said.finish_reason == "content_filter" or (said.refusals and not text):
        raise filtered("".join(said.refusals)[:_SHOWN_CHARS])
    if not text:
        failure = _without_a_word(said, reason, has_thought=thought is not None)
        return Answer(text, usage_of(said), reason, thought).failing(failure)
    tokens = [told for token in said.tokens if (told := _token(token))]
    if asked.top_logprobs is not None and not tokens:
        raise EngineFailure(
            "The server does not say how likely its tokens were. Leave out logprobs.", code=Code.NO_LOGPROBS
        )
    tokens = _of_answer(tokens, parts)
    whole, of_each = _confidence(said.text, text, tokens, wanted)
    return Answer(
        text,
        usage_of(said),
        reason,
        thought,
        confidence=whole,
        field_confidence=of_each,
        logprobs=(lambda: tokens) if asked.top_logprobs is not None else None,
        check=(lambda: _mismatch(text, reason, wanted)) if wanted else None,
    )


def usage_of(said: Said) -> Usage:
    """What it took, as far as the server says."""
    details = said.usage.get("prompt_tokens_details") or {}
    own_details = said.usage.get("completion_tokens_details") or {}
    return Usage(
        visual_tokens=_count(details.get("image_tokens")) or 0,
        prompt_tokens=_count(said.usage.get("prompt_tokens")),
        output_tokens=_count(said.usage.get("completion_tokens")) or 0,
        reasoning_tokens=_count(own_details.get("reasoning_tokens")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _reason(said: Said, text: str, wanted: ResponseFormat | None) -> FinishReason:
    """Why it ends there: JSON that is whole has said all, and is not cut."""
    if said.finish_reason != "length" or (wanted and text and _is_whole(text)):
        return FinishReason.STOP
    return FinishReason.LENGTH


def _is_whole(text: str) -> bool:
    try:
        check_closed(text)
        parsed(text)
    except NotAsAsked as error:
        return error.is_whole
    return True


def _mismatch(text: str, reason: FinishReason, wanted: ResponseFormat) -> EngineFailure | None:
    """Why it is not what was asked for, if it is not."""
    try:
        if reason is FinishReason.LENGTH:
            check_closed(text)
        checked(text, wanted)
    except NotAsAsked as error:
        cut = " It was cut: ask again with a larger max_new_tokens, or for less."
        return EngineFailure(
            f"The answer is not what was asked for: {error}.{cut if reason is FinishReason.LENGTH else ''}"
            f" The server said: {text[:_SHOWN_CHARS]}{'…' if len(text) > _SHOWN_CHARS else ''}",
            code=Code.INCOMPLETE_ANSWER,
        )
    return None


def _without_a_word(said: Said, reason: FinishReason, *, has_thought: bool) -> EngineFailure:
    message = "The server's model ended without a word. Ask in another way."
    if reason is FinishReason.LENGTH and has_thought:
        return EngineFailure(
            f"The server's model was still thinking when {usage_of(said).output_tokens} tokens were used up."
            " Ask again with a larger max_new_tokens, or have the server's model answer at once.",
            code=Code.INCOMPLETE_ANSWER,
        )
    if reason is FinishReason.LENGTH:
        message = (
            f"The server's model had said no word when {usage_of(said).output_tokens} tokens were used up."
            " Ask again with a larger max_new_tokens."
        )
    return EngineFailure(message, code=Code.EMPTY_ANSWER)


def _of_answer(tokens: Sequence[SaidToken], parts: Apart) -> list[SaidToken]:
    """Those without the ones of the thought before it, and of marks around it."""
    begin, end = parts.begin or 0, sys.maxsize if parts.end is None else parts.end
    places = accumulate((len(token["token"]) for token in tokens), initial=0)
    between = pairwise(places)
    return [
        token for token, (first, last) in zip(tokens, between, strict=True) if last > begin and first < end
    ]


def _confidence(
    spoken: str, text: str, tokens: Sequence[SaidToken], wanted: ResponseFormat | None
) -> tuple[float | None, dict[str, float] | None]:
    """How sure the model was of all, and of each field where the tokens make up the text."""
    logprobs = [token["logprob"] for token in tokens]
    whole = confidence_of(logprobs)
    sizes = [len(octets) for token in tokens if (octets := token["bytes"]) is not None]
    if wanted is None or len(sizes) < len(tokens) or sum(sizes) < len(spoken.encode()):
        return whole, None
    # What is fixed by the form counts as much there as what was chosen: servers tell both alike.
    of_all, of_each = field_confidence_of(spoken, sizes, logprobs)
    return (of_all, of_each) if of_each else (whole, None)


def _token(token: Any) -> SaidToken | None:
    """One as we write it; None where it is none."""
    with suppress(TypeError, ValueError, KeyError):
        likeliest = [_likely(one) for one in token.get("top_logprobs") or []]
        return {**_likely(token), "top_logprobs": likeliest}
    return None


def _likely(token: Any) -> TokenLogprob:
    octets = token.get("bytes")
    return {
        "token": str(token["token"]),
        "logprob": min(0.0, float(token["logprob"])),
        "bytes": [int(octet) for octet in octets] if octets is not None else None,
    }
