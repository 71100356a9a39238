"""How likely each token of an answer was, as OpenAI's API says it; imports nothing of ours.

Source of the names: https://platform.openai.com/docs/api-reference/chat/create (`logprobs`).
"""

from typing import TypedDict

#: The most tokens that are named beside each that was said.
MOST_TOP_LOGPROBS = 20
#: Bytes that a token with its logarithm is reckoned to take in JSON.
_BYTES_EACH = 100


class TokenLogprob(TypedDict):
    """A token, and the natural logarithm of its probability."""

    #: Its text; where it is a part of a character, U+FFFD stands for that.
    token: str
    logprob: float
    #: Its text in UTF-8; None for one that controls the model, which is no text.
    bytes: list[int] | None


class SaidToken(TokenLogprob):
    """A token of an answer."""

    #: The likeliest tokens in its place, the first of all first.
    top_logprobs: list[TokenLogprob]


def size_bytes(tokens: int, top_logprobs: int) -> int:
    """Bytes that an answer of so many tokens is reckoned to take with so many others beside each."""
    return tokens * (1 + top_logprobs) * _BYTES_EACH
