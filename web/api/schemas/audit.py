"""The models of the audit trail's requests and responses."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, WithJsonSchema

from jobs.contract.access.audit import Event
from jobs.storage.access.audit import CURSOR_PATTERN
from web.api.schemas.base import QueryModel, ResponseModel
from web.api.times import DAY, TIME
from web.http.numbers import Ordinal

#: What the document says of both; a field that is left empty in a form says nothing.
_PATTERN = f"^({DAY.pattern}|{TIME.pattern})?$"
_SCHEMA = WithJsonSchema({"type": "string", "pattern": _PATTERN})


def _begin_of(text: Any) -> Any:
    return _time(text, timedelta())


def _end_of(text: Any) -> Any:
    return _time(text, timedelta(days=1))


def _time(text: Any, after_day: timedelta) -> Any:
    """The time that a text says; of a day alone its beginning in UTC, and so much more.

    Raises ValueError.
    """
    if text in ("", None):
        return None
    if not isinstance(text, str) or not (DAY.fullmatch(text) or TIME.fullmatch(text)):
        raise ValueError("should be a day such as 2026-11-26, or a time such as 2026-11-26T09:30:00Z")
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC) + after_day
    except (ValueError, OverflowError) as error:
        raise ValueError("should be a day or a time that there is") from error


class TimesQuery(QueryModel):
    """Of which time."""

    model_config = ConfigDict(populate_by_name=True)

    since: Annotated[AwareDatetime | None, BeforeValidator(_begin_of), _SCHEMA] = Field(
        None, alias="from", description="From this day (UTC) or time on; else from the first event on."
    )
    until: Annotated[AwareDatetime | None, BeforeValidator(_end_of), _SCHEMA] = Field(
        None, alias="to", description="Until the end of this day (UTC), or before this time."
    )


class EventsQuery(TimesQuery):
    """Which events."""

    cursor: str | None = Field(None, pattern=CURSOR_PATTERN, description="`next_cursor` of the page before.")
    limit: Ordinal = Field(100, le=1000, description="Events in a page.")


class EventsPage(ResponseModel):
    """Some of the audit trail, the newest first."""

    events: list[Event]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null at the end. A page may be short and have more behind it."
    )
