"""How answers are to be, as a caller says it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

#: A field of answers: in short, as `total:number`, or as an object of name, type, choices and others.
Field = str | Mapping[str, Any]


class Wishes(TypedDict, total=False):
    """How each answer is to be; None is as if it were left out."""

    #: The longest answer, in tokens.
    max_new_tokens: int | None
    #: Pixels of each image that the model sees at most.
    max_pixels: int | None
    #: Dots an inch at which pages of PDFs are drawn.
    dpi: int | None
    #: Whether a file's pages are a job `each` or one `together`.
    pages: str | None
    #: What each answer has.
    fields: Sequence[Field] | None
    #: What each has to be, as OpenAI's API says it.
    response_format: Mapping[str, Any] | None
    #: Whether to say of each token how likely it was, and with how many others.
    logprobs: bool
    top_logprobs: int | None
    #: How freely tokens are drawn, 0 to 2, and of how many of the likeliest.
    temperature: float | None
    top_p: float | None
    #: The same seed gives the same answer.
    seed: int | None
    #: Texts at which an answer ends.
    stop: str | Sequence[str] | None


def asked(question: str, model: str | None, wishes: Wishes) -> dict[str, Any]:
    """What is asked, without what the server shall choose."""
    said: dict[str, Any] = {"model": model or None, **wishes}
    for name, kind in (("fields", list), ("response_format", dict), ("logprobs", bool)):
        said[name] = kind(value) if (value := said.get(name)) else None
    if isinstance(said.get("stop"), str):
        said["stop"] = [said["stop"]]
    return {"question": question} | {name: value for name, value in said.items() if value is not None}
