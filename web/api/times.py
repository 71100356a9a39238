"""Times in requests, as RFC 3339 writes them: a number of seconds, or a day alone, is no time."""

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
TIME = re.compile(DAY.pattern + rf"T{_HOUR}(:[0-5][0-9](\.[0-9]{{1,6}})?)?(Z|[+-]{_HOUR})")


def _written_out(value: Any) -> Any:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise ValueError("should be a time such as 2027-01-31T09:30:00Z")
    return value


#: Of a JSON body.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
