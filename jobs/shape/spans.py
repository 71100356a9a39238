"""Where the values of an object stand in its text."""

from json import JSONDecodeError, JSONDecoder
from re import compile as pattern

_DECODER = JSONDecoder()
_SPACE = pattern(r"[ \t\n\r]*")


def spans_of(text: str) -> dict[str, tuple[int, int]]:
    """The first and one past the last character of each value of an object, by its name.

    >>> spans_of('{"a": 12, "b": "x"}')
    {'a': (6, 8), 'b': (15, 18)}
    """
    spans: dict[str, tuple[int, int]] = {}
    place = _skip(text, 0)
    if text[place : place + 1] != "{":
        return spans
    place = _skip(text, place + 1)
    try:
        while text[place : place + 1] not in ("}", ""):
            name, place = _DECODER.raw_decode(text, place)
            start = _skip(text, _skip(text, place) + 1)
            _, end = _DECODER.raw_decode(text, start)
            spans[name] = (start, end)
            place = _skip(text, end)
            if text[place : place + 1] == ",":
                place = _skip(text, place + 1)
    except (JSONDecodeError, RecursionError):
        # What was cut ends here; the values before are whole.
        return spans
    return spans


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place
