"""The audit trail, for admins: a page of it, or all of it as JSON Lines."""

from collections.abc import Iterator

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from jobs.contract.access.audit import Event
from web.api.schemas.audit import EventsPage, EventsQuery, TimesQuery
from web.api.schemas.base import PROBLEMS
from web.export.lines import begun
from web.http.conditional import fresh_json
from web.services import services

audit = APIBlueprint(
    "audit",
    __name__,
    abp_tags=[Tag(name="admin", description="For admins.")],
    abp_responses=PROBLEMS,
)


def found(query: EventsQuery) -> tuple[list[Event], str | None]:
    """The events that are asked for, and where to go on."""
    return services().audit.page(since=query.since, until=query.until, cursor=query.cursor, limit=query.limit)


@audit.get("/api/audit", responses={200: EventsPage})
def list_events(query: EventsQuery) -> Response:
    """Who did what to what, the latest first."""
    events, next_cursor = found(query)
    shown = [event.model_dump(mode="json") for event in events]
    return fresh_json({"events": shown, "next_cursor": next_cursor})


@audit.get("/api/audit.jsonl", responses={200: {"content": {"application/jsonl": {}}}})
def export_events(query: TimesQuery) -> Response:
    """All events of a time, one JSON object a line, in the order in which they happened."""
    events = services().audit.events(query.since, query.until)
    response = Response(_lines(begun(events)), content_type="application/jsonl; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return response


def _lines(events: Iterator[Event]) -> Iterator[str]:
    for event in events:
        yield f"{event.model_dump_json()}\n"
