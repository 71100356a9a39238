"""What is written into the audit trail: a line an audited endpoint, and calls for what is no endpoint's.

    the gate lets a call in ──► its event is written ──► the call ──► what came of it is written
                                 503 when it cannot be                said in the log when it cannot be
    a link is followed ──► the call ──► its event is written, once an hour ──► what is handed out is sent
                                         503 when it cannot be

Where nobody has to say who they are, nothing is written; of keys, what commands on the machine do is.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, request

from jobs.contract.access.audit import MOST_CHARS, Action, Event, Kind, Outcome, Target
from jobs.contract.access.owners import PREFIX_PATTERN, Caller
from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, NotFound, Unavailable, Unreadable
from jobs.contract.models import ID_PATTERN
from web.access.caller import caller
from web.access.login import login
from web.access.recent import Looks, Refused
from web.http.request_log import request_id
from web.services import services, services_of

#: What each audited endpoint does, and to what.
_BY_ACTION: dict[tuple[Action, Kind], str] = {
    (Action.BATCH_DELETE, Kind.BATCH): "batches.delete_batch",
    (Action.FILE_DELETE, Kind.FILE): "openai_files.delete_file",
    (Action.KEY_ADD, Kind.KEY): "keys.add_key pages.make_key",
    (Action.KEY_REVOKE, Kind.KEY): "keys.revoke_key pages.revoke_key",
    (Action.KEY_ROTATE, Kind.KEY): "keys.rotate_key pages.rotate_key",
    (Action.SIGN_OUT_EVERYWHERE, Kind.OWNER): "pages.end_sessions",
    (Action.SHARE_ADD, Kind.BATCH): "sharing.share_batch",
    (Action.SHARE_REVOKE, Kind.SHARE): "sharing.revoke_share",
    (Action.SHARE_REVOKE, Kind.BATCH): "sharing.revoke_shares",
    (Action.EXPORT, Kind.BATCH): """
        results.export_csv results.export_jsonl results.export_parquet results.export_texts
        results.export_xlsx openai_files.read_output
        shared.results.export_csv shared.results.export_jsonl shared.results.export_parquet
        shared.results.export_texts shared.results.export_xlsx
    """,
    (Action.EXPORT, Kind.FILE): "openai_files.read_file",
    (Action.EXPORT, Kind.TRAIL): "audit.export_events",
}
#: The action of each of them, and the kind of its target.
AUDITED = {endpoint: what for what, endpoints in _BY_ACTION.items() for endpoint in endpoints.split()}
#: The part of an address that names a target.
_NAMED_BY = {
    Kind.BATCH: "batch_id",
    Kind.JOB: "job_id",
    Kind.FILE: "file_id",
    Kind.KEY: "prefix",
    Kind.SHARE: "share_id",
}
#: Who has a link to something that is shared, and who has not said who they are.
_LINK, _UNKNOWN = "link", "unknown"
#: In the environment of a request whose refused sign-in is written, or counted.
_NOTED = "eva01.refused_is_noted"
_LOOKS, _REFUSED = "eva01_audited_looks", "eva01_audited_refusals"


def register_audit(app: Flask) -> None:
    """Have the audited endpoints of `app`, all of which are there by now, write what they do."""
    app.extensions[_LOOKS] = Looks()
    app.extensions[_REFUSED] = Refused(services_of(app).web.audit_refused_a_minute)
    for endpoint, (action, kind) in AUDITED.items():
        app.view_functions[endpoint] = _audited(action, kind, app.view_functions[endpoint])


def concerns(kind: Kind, id_: str, owner: str | None = None) -> None:
    """Say what the audited call that runs is done to, where only its work tells, such as a new key."""
    if noted := g.get("audited"):
        noted.target = Target(kind=kind, id=id_, owner=owner)


def fails(code: Code) -> None:
    """Say why the audited call that runs fails, where a page shows that instead of raising it."""
    if noted := g.get("audited"):
        noted.code = code


def note(
    action: Action, target: Target | None = None, *, who: Caller | None = None, code: Code | None = None
) -> None:
    """Write what is no audited endpoint's, such as a sign-in; `code` is why it failed, `who` else the caller.

    Raises Unavailable; what must not be done unseen is done afterwards.
    """
    services().audit.note(_event(action, target, who or caller(), code))


def note_anyway(action: Action, who: Caller) -> None:
    """Write what is done whether it can be written or not, such as a sign-out; else it is said in the log."""
    event = _event(action, None, who, None)
    try:
        services().audit.note(event)
    except Unavailable as away:
        services().audit.say(event, away)


def note_refused(error: Eva01Error, credential: str = "") -> None:
    """Write that somebody was not let in, with a key that is none, say.

    So many a minute are written, and the others counted: all that strangers can have written.
    """
    refused: Refused = current_app.extensions[_REFUSED]
    # The head of a request may be looked at before its body is taken, and again with it.
    is_noted = request.environ.get(_NOTED, False)
    request.environ[_NOTED] = True
    if is_noted or (unwritten := refused.take()) is None:
        return
    # Of a key that was ours its first characters say which it is; of any other nothing is kept.
    prefix = credential[:14] if error.code is Code.KEY_IS_OVER else ""
    target = Target(kind=Kind.KEY, id=prefix) if re.fullmatch(PREFIX_PATTERN, prefix) else None
    event = _event(Action.SIGN_IN, target, None, error.code).model_copy(update={"unwritten": unwritten})
    try:
        services().audit.note(event)
    except Unavailable as away:
        refused.give_back(unwritten)
        services().audit.say(event, away)


def note_look(who: Caller, target: Target) -> None:
    """Write that an admin sees what is another's: each thing once an hour, since pages ask again and again.

    Raises Unavailable.
    """
    looks: Looks = current_app.extensions[_LOOKS]
    what = f"{target.kind}/{target.id}"
    if not looks.is_known(who.name, what):
        services().audit.note(_event(Action.LOOK, target, who, None))
        looks.note(who.name, what)


def _audited(action: Action, kind: Kind, view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def audited(**given: Any) -> Any:
        who = caller() if "caller" in g else None
        if not _is_written(who) or _is_malformed(kind):
            return view(**given)
        if who is None:
            return _noted_by_link(action, _target(kind), current_app.make_response(view(**given)))
        event = _event(action, _target(kind), who, None, Outcome.BEGUN)
        with services().audit.doing(event) as g.audited:
            response = current_app.make_response(view(**given))
            # A page may show what is wrong instead of raising it.
            g.audited.has_failed = response.status_code >= HTTPStatus.BAD_REQUEST
            return response

    return audited


def _is_written(who: Caller | None) -> bool:
    """False where nobody has to say who they are; `who` is None for whoever has a link."""
    return login().is_needed() if who is None else not who.is_local


def _is_malformed(kind: Kind) -> bool:
    """True for an address that names nothing that there could be: it is refused, and no event."""
    named = (request.view_args or {}).get(_NAMED_BY.get(kind, ""))
    pattern = PREFIX_PATTERN if kind is Kind.KEY else ID_PATTERN
    # A whole key or link, in the place of what names it, is a secret besides.
    return named is not None and not re.fullmatch(pattern, str(named))


def _noted_by_link(action: Action, target: Target, response: Response) -> Response:
    """What a link hands out, once it is written: the first of each thing within the hour.

    Strangers must not fill what stays for good: what they are refused hands out nothing, and is no event.
    Raises Unavailable, and nothing is handed out.
    """
    looks: Looks = current_app.extensions[_LOOKS]
    what = f"{action}/{target.id}"
    if response.status_code < HTTPStatus.BAD_REQUEST and not looks.is_known(_LINK, what):
        try:
            services().audit.note(_event(action, target, None, None))
        except Unavailable:
            response.close()
            raise
        looks.note(_LINK, what)
    return response


def _target(kind: Kind) -> Target:
    """What the address names, and whose it is; its id is empty where the address says none."""
    named = str((request.view_args or {}).get(_NAMED_BY.get(kind, ""), ""))
    return Target(kind=kind, id=named[:MOST_CHARS], owner=_owner(kind, named))


def _owner(kind: Kind, named: str) -> str | None:
    if kind is Kind.KEY:
        with suppress(NotFound, Unreadable):
            return services().keys.get(named).owner
        return None
    ownership = services().ownership
    owners = {Kind.BATCH: ownership.of_batch, Kind.JOB: ownership.of_job}
    return owners[kind](named) if kind in owners and re.fullmatch(ID_PATTERN, named) else None


def _event(
    action: Action,
    target: Target | None,
    who: Caller | None,
    code: Code | None,
    outcome: Outcome = Outcome.DONE,
) -> Event:
    """An event of the current request; `who` is None for whoever is not known by a name."""
    nameless = _LINK if request.url_rule and "shared" in request.url_rule.rule else _UNKNOWN
    return Event(
        who=(who.name if who else nameless)[:MOST_CHARS],
        owner=who.owner if who else None,
        address=(request.remote_addr or "")[:MOST_CHARS],
        action=action,
        target=target,
        outcome=Outcome.FAILED if code else outcome,
        code=code,
        request_id=request_id(),
    )
