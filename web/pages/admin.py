"""The admins' pages: keys, and the sessions of an owner. All of it works where no script runs."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from flask import Blueprint, Response, redirect, request, url_for
from pydantic import ValidationError
from werkzeug import Response as PlainResponse

from jobs import flow
from jobs.contract.access.audit import Kind
from jobs.contract.access.owners import NewKey, Role, new_key
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.faults import fault_of
from jobs.contract.models import OWNER_PATTERN, end_of, utc_now
from web.access.audit import concerns, fails
from web.api.keys import check_not_own
from web.api.schemas.keys import LONGEST_GRACE_HOURS, Rotation
from web.pages.page import page, problem_shown
from web.services import services

#: What is typed where a key is made.
_TYPED = ("owner", "role", "teams", "note", "expires")


def register_admin(pages: Blueprint) -> None:
    """Add these pages to the others."""
    pages.get("/admin/keys")(keys_page)
    pages.post("/admin/keys")(make_key)
    pages.post("/admin/keys/<prefix>/revoke")(revoke_key)
    pages.post("/admin/keys/<prefix>/rotate")(rotate_key)
    pages.post("/admin/sessions/end")(end_sessions)


def keys_page() -> Response:
    """All keys, the newest first, and the form that makes one."""
    return _keys_page()


def make_key() -> Response:
    """Make a key, and show it: once."""
    typed = {name: request.form.get(name, "").strip() for name in _TYPED}
    try:
        new = _new(typed)
    except BadInput as error:
        fails(error.code)
        shown = problem_shown(error.code.http_status, error.code, error.message)
        return _keys_page(error.code.http_status, problem=shown, typed=typed)
    flow.add_key(services(), new.key, has_admin=True)
    concerns(Kind.KEY, new.key.prefix, new.key.owner)
    return _keys_page(201, new=new)


def revoke_key(prefix: str) -> PlainResponse:
    """End a key, and with it the sessions that were opened with it."""
    check_not_own(prefix, is_confirmed=request.form.get("confirm") == "true")
    flow.revoke_key(services(), prefix)
    return redirect(url_for("pages.keys_page"), 303)


def rotate_key(prefix: str) -> Response:
    """A key like this one in its place, shown once; the old one ends, now or after some hours."""
    try:
        rotation = Rotation.model_validate_strings(request.form.to_dict())
    except ValidationError as error:
        raise _bad_field(error) from error
    new = flow.rotate_key(services(), prefix, grace=rotation.grace)
    concerns(Kind.KEY, f"{prefix} → {new.key.prefix}", new.key.owner)
    return _keys_page(201, new=new, replaced=services().keys.get(prefix))


def end_sessions() -> Response:
    """End all sessions of an owner."""
    owner = request.form.get("owner", "").strip()
    if not re.fullmatch(OWNER_PATTERN, owner):
        raise BadInput(f"{owner[:100]!r} is no owner's name.", code=Code.INVALID_FIELD)
    concerns(Kind.OWNER, owner, owner)
    return _keys_page(ended={"owner": owner, "count": services().sessions.end_all(owner)})


def _keys_page(status: int = 200, **more: object) -> Response:
    return page(
        "keys.html",
        status,
        here="admin",
        place=url_for("pages.keys_page"),
        keys=services().keys.all()[::-1],
        now=utc_now(),
        longest_grace_hours=LONGEST_GRACE_HOURS,
        **more,
    )


def _new(typed: Mapping[str, str]) -> NewKey:
    """Raises BadInput (`invalid_field`)."""
    try:
        return new_key(
            typed["owner"],
            role=typed["role"] or Role.USER,
            teams=tuple(typed["teams"].replace(",", " ").split()),
            note=typed["note"],
            expires_at=_end_of(typed["expires"]),
        )
    except ValidationError as error:
        raise _bad_field(error) from error


def _bad_field(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    field, value = first["loc"][0], str(first.get("input"))[:100]
    return BadInput(f"`{field}` is {value!r}: {fault_of(first)}.", code=Code.INVALID_FIELD)


def _end_of(day: str) -> datetime | None:
    """The end of a day in UTC; None without one."""
    if not day:
        return None
    try:
        end = end_of(date.fromisoformat(day))
    except ValueError as error:
        message = f"`expires` is {day[:100]!r}: write a date as 2027-01-31."
        raise BadInput(message, code=Code.INVALID_FIELD) from error
    if end <= utc_now():
        raise BadInput(f"`expires` is {day}, which is over.", code=Code.INVALID_FIELD)
    return end
