"""How answers are to be, as a program says it to the client."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from eva01.client.given import listed

#: One thing that each answer has: in short, or an object.
Field = str | Mapping[str, Any]


class Wishes(TypedDict, total=False):
    """What batches and questions may say; where it is left out or None, server, worker and model choose."""

    #: The longest answer, in tokens.
    max_new_tokens: int | None
    #: Pixels of each image that the model sees at most.
    max_pixels: int | None
    #: Dots an inch at which pages of PDFs are drawn.
    dpi: int | None
    #: Whether a file's pages are a job `each`, or one `together`.
    pages: str | None
    #: What each answer has.
    fields: Sequence[Field] | None
    #: What each answer has to be, as OpenAI's API says it; not with `fields`.
    response_format: Mapping[str, Any] | None
    #: Whether to say of each token how likely it was, and how many of the likeliest to name besides.
    logprobs: bool
    top_logprobs: int | None
    #: How freely tokens are drawn, 0 to 2, and of how many of the likeliest.
    temperature: float | None
    top_p: float | None
    #: The same seed gives the same answer.
    seed: int | None
    #: Texts at which an answer ends.
    stop: str | Sequence[str] | None


def asked(question: str, model: str | None, wishes: Wishes, **others: int | None) -> dict[str, Any]:
    """What is asked, without what is left to others; raises TypeError for a wish that there is not.

    A field, or a text at which answers end, may stand by itself where several may be.
    """
    if unknown := wishes.keys() - Wishes.__annotations__.keys():
        raise TypeError(f"There is nothing called {', '.join(sorted(unknown))} to wish for.")
    chosen: dict[str, Any] = {"model": model or None, **wishes, **others}
    chosen["logprobs"] = wishes.get("logprobs") or None
    for name in ("fields", "stop"):
        if chosen.get(name) is not None:
            chosen[name] = listed(chosen[name]) or None
    if (wanted := wishes.get("response_format")) is not None:
        chosen["response_format"] = _object(wanted)
    return {"question": question} | {name: value for name, value in chosen.items() if value is not None}


def _object(wanted: object) -> dict[str, Any]:
    if not isinstance(wanted, Mapping):
        raise TypeError(f"response_format is an object, as {{'type': 'json_object'}} is, and not {wanted!r}.")
    return {**wanted}
