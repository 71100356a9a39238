"""The lines of a file of requests: each is told from the next, and read."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from jobs.contract.settings import Limits
from web.http.json import Unusable, value_in
from web.openai.request import BadField

#: What some programs put before the first line.
_MARK = b"\xef\xbb\xbf"
#: Characters of what cannot be used that are shown.
_SHOWN = 100


class Line(NamedTuple):
    """A line that is not empty."""

    #: Counted from 1, empty ones too.
    number: int
    #: None where it is longer than it may be.
    text: bytes | None
    #: Where the next one begins, in bytes.
    end: int


class Request(BaseModel):
    """What a line asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    custom_id: str
    method: Literal["POST"]
    url: str
    body: dict[str, Any]


def lines_in(
    read: Callable[[int], bytes], most_bytes: int, place: int = 0, number: int = 1
) -> Iterator[Line]:
    """The lines of what `read` gives from a place on, piece by piece, until that is nothing.

    At `place`, in bytes, line `number` begins. No more than one line and one piece of it are in memory.
    """
    begun, is_cut = bytearray(), False
    while piece := read(place):
        begin = place
        place += len(piece)
        for count, part in enumerate(piece.split(b"\n")):
            if count:
                yield from _line(number, begun, is_cut, begin)
                number, begun, is_cut = number + 1, bytearray(), False
            is_cut = is_cut or len(begun) + len(part) > most_bytes
            begun = bytearray() if is_cut else begun + part
            begin += len(part) + 1
    yield from _line(number, begun, is_cut, place)


def _line(number: int, text: bytearray, is_cut: bool, end: int) -> Iterator[Line]:
    told = text.removeprefix(_MARK) if number == 1 else text
    if is_cut or told.strip():
        yield Line(number, None if is_cut else bytes(told), end)


def said_in(line: Line, limits: Limits) -> dict[str, Any]:
    """A line as an object; raises BadInput (`malformed_body`, `invalid_field`, `request_too_large`)."""
    if line.text is None:
        raise TooLarge(
            f"The line has more than {limits.max_chat_bytes:,} bytes (EVA01_MAX_CHAT_BYTES).",
            code=Code.REQUEST_TOO_LARGE,
        )
    try:
        said = value_in(line.text.decode())
    except Unusable as error:
        raise BadInput(f"The line {error}.", code=error.code, field=error.key) from error
    except ValueError as error:
        raise BadInput(f"The line is no JSON: {str(error)[:_SHOWN]}.", code=Code.MALFORMED_BODY) from error
    if not isinstance(said, dict):
        raise BadInput("The line is no JSON object.", code=Code.MALFORMED_BODY)
    return said


def custom_id_in(said: dict[str, Any]) -> str:
    """What a line calls itself; empty where it does not."""
    given = said.get("custom_id")
    return given if isinstance(given, str) else ""


def named_in(line: Line, limits: Limits) -> str:
    """What a line calls itself; empty where it does not, or cannot be read."""
    try:
        return custom_id_in(said_in(line, limits))
    except BadInput:
        return ""


def request_in(said: dict[str, Any], endpoint: str) -> Request:
    """What a line asks; raises BadInput (`invalid_field`)."""
    try:
        request = Request.model_validate(said)
    except ValidationError as error:
        raise BadField.of(error) from error
    if not request.custom_id.strip():
        raise BadField("`custom_id` is empty. Give each line one of its own.", "custom_id")
    if request.url != endpoint:
        raise BadField(f"`url` is {request.url[:_SHOWN]!r}, and the batch's endpoint {endpoint}.", "url")
    return request
