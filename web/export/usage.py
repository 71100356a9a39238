"""Usage as CSV."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from web.export.lines import row

#: The columns; further ones may follow.
_COLUMNS = (
    *("day", "owner", "taken", "succeeded", "failed", "cancelled", "open"),
    *("output_tokens", "device_s"),
)


def usage_csv(days: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A header, then a row for each day and owner, as the API shows them."""
    yield row(_COLUMNS)
    for day in days:
        yield row(day[column] for column in _COLUMNS)
