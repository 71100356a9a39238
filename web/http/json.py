"""JSON as RFC 8259 has it: no NaN, no half surrogates, no key twice, and no deeper than can be read."""

import json
import re
from collections import Counter
from typing import Any, NoReturn

from flask.json.provider import DefaultJSONProvider

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput

#: Half of a character beyond U+FFFF, escaped; two of them in order are one character, and no half.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


#: Values in one body: a thousand files with all that can be said of them have five thousand.
_MOST_VALUES = 100_000
#: Characters of a key that are shown.
_SHOWN = 100
#: A string, also one without an end; nothing of it is tried twice.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class Unusable(ValueError):
    """Raised for JSON that nobody could use: its text says why, and follows the name of what holds it.

    `key` is the one that an object has twice, if that is why.
    """

    def __init__(self, reason: str, key: str | None = None) -> None:
        super().__init__(reason)
        self.key = key

    @property
    def code(self) -> Code:
        """What a request with such a body is refused with."""
        return Code.MALFORMED_BODY if self.key is None else Code.INVALID_FIELD


class StrictJson(DefaultJSONProvider):
    """Flask's JSON, strict where bodies are read."""

    sort_keys = False

    def loads(self, s: str | bytes, **how: Any) -> Any:
        """The value in `s`.

        Raises ValueError when it is no JSON, and BadInput when nobody could use it: `invalid_field` where an
        object has a key twice, else `malformed_body`.
        """
        try:
            return value_in(s if isinstance(s, str) else s.decode("utf-8-sig"), **how)
        except Unusable as error:
            remedy = "Send a JSON object, in UTF-8." if error.key is None else "Send it once."
            raise BadInput(f"The body {error}. {remedy}", code=error.code, field=error.key) from error


def value_in(text: str, **how: Any) -> Any:
    """The value that a text of JSON says; raises ValueError when it is none, and Unusable."""
    if _has_many_values(text):
        raise Unusable(f"has more than {_MOST_VALUES:,} values")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object, **how)
    except RecursionError as error:
        raise Unusable("is nested too deeply") from error
    if _SURROGATE.search(text) and _has_half(value):
        raise Unusable("has half of a character (a lone surrogate such as \\ud800)")
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(members)
    if len(said) < len(members):
        (key, _), *_ = Counter(key for key, _ in members).most_common(1)
        shown = key[:_SHOWN].encode(errors="replace").decode()
        raise Unusable(f"has `{shown}` twice in one object", shown)
    return said


def _has_many_values(text: str) -> bool:
    """True for JSON that would need a hundred times its size in memory: each value takes some."""
    return _values(text) > _MOST_VALUES and _values(_STRING.sub("", text)) > _MOST_VALUES


def _values(text: str) -> int:
    return sum(map(text.count, "[{,"))


def _refuse_constant(name: str) -> NoReturn:
    raise Unusable(f"has {name}, which is no JSON")


def _has_half(value: Any) -> bool:
    """True when some text in `value`, keys included, is no Unicode."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and _HALF.search(one):
            return True
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
    return False
