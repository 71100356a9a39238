"""Numbers in requests: in the digits 0 to 9 where they are text, and numbers where the body is JSON."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

_WHOLE = re.compile(r"[0-9]{1,18}")
_SIGNED = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?(e-[0-9]{1,3})?")


def whole(text: str) -> int:
    """The number that a text is.

    Raises ValueError for all but a few digits: signs, spaces, `1_0`, `1.0`, digits of other scripts.
    """
    return int(_checked(text, _WHOLE))


def signed(text: str) -> int:
    """The same, of a digit more, and with a minus where the number is below 0."""
    return int(_checked(text, _SIGNED, 19))


def decimal(text: str) -> float:
    """The number that a text is, with or without a point; raises ValueError as above."""
    return float(_checked(text, _DECIMAL))


def _checked(text: Any, pattern: re.Pattern[str], digits: int = 18) -> Any:
    if isinstance(text, str) and not pattern.fullmatch(text):
        raise ValueError(f"should be a number, in at most {digits} of the digits 0 to 9")
    return text


def _counted(value: Any) -> Any:
    """A whole number, also one that is written 1.0, as JSON may.

    Raises ValueError for a text, and for true.
    """
    if isinstance(value, str | bool):
        raise ValueError("should be a number")
    return value


# Bounds stand before what reads the number: only so the document says them.
_WRITTEN, COUNTED = BeforeValidator(whole), BeforeValidator(_counted)
#: Of an address or a form, where all is text; and one of those, counted from 1.
Whole = Annotated[int, Field(ge=0, lt=10**18), _WRITTEN]
Ordinal = Annotated[int, Field(ge=1, lt=10**18), _WRITTEN]
Decimal = Annotated[float, BeforeValidator(decimal)]
#: Of a JSON body; and one of those, from 1.
Count = Annotated[int, Field(ge=0), COUNTED]
Rank = Annotated[int, Field(ge=1), COUNTED]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
