"""The audit trail as a page, for admins; whole without scripts."""

from flask import Response, request
from pydantic import ValidationError

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from web.api.audit import found
from web.api.schemas.audit import EventsQuery
from web.pages.page import page


def audit_page() -> Response:
    """Who did what to what, the latest first."""
    try:
        query = EventsQuery.asked()
    except ValidationError as error:
        raise BadInput("The address asks for events that there are not.", code=Code.INVALID_FIELD) from error
    events, next_cursor = found(query)
    return page(
        "audit.html",
        here="admin",
        events=events,
        asked={name: request.args.get(name, "") for name in ("from", "to")},
        next_cursor=next_cursor,
    )
