"""The page of usage; it needs no script."""

from flask import Blueprint, Response
from pydantic import ValidationError

from jobs.contract.access.owners import Role
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.faults import fault_of
from web.access.caller import caller
from web.api.schemas.usage import UsageQuery
from web.api.usage import usage_view
from web.pages.page import page


def register_usage(pages: Blueprint) -> None:
    """Add the page to the others."""
    pages.get("/usage")(usage_page)
    pages.app_template_global()(has_usage)


def usage_page() -> Response:
    """What was taken by day, and in all; admins see that of all owners."""
    try:
        query = UsageQuery.asked()
    except ValidationError as error:
        first = error.errors()[0]
        message = f"The address asks for usage that there is not: {fault_of(first)}."
        raise BadInput(message, code=Code.INVALID_FIELD) from error
    return page(
        "usage.html",
        here="usage",
        usage=usage_view(query),
        owner=query.owner or "",
        is_admin=caller().role is Role.ADMIN and has_usage(),
    )


def has_usage() -> bool:
    """True for callers whose usage is counted: those who belong to an owner."""
    return not caller().is_local
