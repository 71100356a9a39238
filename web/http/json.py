"""JSON as RFC 8259 has it: without NaN, without half surrogates, and no deeper than can be read."""

import re
from typing import Any, NoReturn

from flask.json.provider import DefaultJSONProvider

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput

#: Half of a character beyond U+FFFF, escaped; two of them in order are one character, and no half.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


#: Values in one body: a thousand files with all that can be said of them have five thousand.
_MOST_VALUES = 100_000
#: A string, also one without an end; nothing of it is tried twice.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class StrictJson(DefaultJSONProvider):
    """Flask's JSON, strict where bodies are read."""

    sort_keys = False

    def loads(self, s: str | bytes, **how: Any) -> Any:
        """The value in `s`.

        Raises ValueError when it is no JSON, and BadInput (`malformed_body`) when nobody could use it.
        """
        text = s if isinstance(s, str) else s.decode("utf-8-sig")
        if has_many_values(text):
            raise _unusable(f"has more than {_MOST_VALUES:,} values")
        try:
            value = super().loads(text, parse_constant=_refuse_constant, **how)
        except RecursionError as error:
            raise _unusable("is nested too deeply") from error
        if _SURROGATE.search(text) and _has_half(value):
            raise _unusable("has half of a character (a lone surrogate such as \\ud800)")
        return value


def has_many_values(text: str) -> bool:
    """True for JSON that would need a hundred times its size in memory: each value takes some."""
    return _values(text) > _MOST_VALUES and _values(_STRING.sub("", text)) > _MOST_VALUES


def _values(text: str) -> int:
    return sum(map(text.count, "[{,"))


def _refuse_constant(name: str) -> NoReturn:
    raise _unusable(f"has {name}, which is no JSON")


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


def _unusable(reason: str) -> BadInput:
    return BadInput(f"The body {reason}. Send a JSON object, in UTF-8.", code=Code.MALFORMED_BODY)
