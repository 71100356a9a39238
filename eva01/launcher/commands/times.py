"""Days and times in options: those of UTC, unless they say otherwise."""

from datetime import UTC, date, datetime, time
from typing import Any

import click

from jobs.contract.models import end_of


class Moment(click.ParamType[datetime]):
    """A time, or a day, which stands for its beginning, or for its end."""

    name = "day or time"

    def __init__(self, *, is_end: bool = False) -> None:
        self._is_end = is_end

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """How it is written."""
        return "DAY|TIME"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The time, with its offset."""
        if isinstance(value, datetime):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return self._time(value, param, ctx)
        return end_of(day) if self._is_end else datetime.combine(day, time.min, UTC)

    def _time(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is neither a day as 2027-01-31 nor a time as 2027-01-31T18:00 (UTC), or with an"
                " offset as 2027-01-31T18:00+01:00.",
                param,
                ctx,
            )
        return at if at.tzinfo else at.replace(tzinfo=UTC)
