"""Numbers in requests: in the digits 0 to 9 where they are text, and numbers where the body is JSON."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Strict

_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")


def whole(text: str) -> int:
    """The number that a text is.

    Raises ValueError for all but a few digits: signs, spaces, `1_0`, `1.0`, digits of other scripts.
    """
    return int(_checked(text, _WHOLE))


def _decimal(text: str) -> float:
    return float(_checked(text, _DECIMAL))


def _checked(text: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(text, str) and not pattern.fullmatch(text):
        raise ValueError("should be a number, in at most 18 of the digits 0 to 9")
    return text


#: Of an address or a form, where all is text.
Whole = Annotated[int, BeforeValidator(whole)]
Decimal = Annotated[float, BeforeValidator(_decimal)]
#: Of a JSON body: neither a text, nor true, nor 1.0.
Count = Annotated[int, Strict()]
