"""Now, and ends of days."""

from datetime import UTC, date, datetime, time


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def end_of(day: date) -> datetime:
    """The end of a day of UTC."""
    return datetime.combine(day, time.max, UTC)
