"""Nobody does what their role does not allow, nor sees what is another's.

who asks? ──► too often? ──► may they do this? ──► is it theirs? ──► the call
   401           429               403                404: as if it were not there, in the same time
"""

import re

from flask import Flask, Response, g, request

from jobs.contract.codes import Code
from jobs.contract.errors import NotAllowed
from jobs.contract.models import ID_PATTERN
from jobs.contract.owners import Caller, Role
from jobs.storage.store.batches import unknown_batch
from jobs.storage.store.jobs import unknown_job
from web.access.login import register_login
from web.access.pace import caller_in_pace
from web.access.rules import RULES, Rule
from web.services import services


def register_access(app: Flask) -> None:
    """Have `app` look who asks before it does anything for them."""
    register_login(app)
    app.before_request(_check)
    app.after_request(_say_how)


def _check() -> None:
    """Raises NotSignedIn, TooManyWrongKeys, QuotaExceeded, NotAllowed and NotFound."""
    if request.endpoint is None:
        # There is nothing at this address, and nothing that could be seen.
        return
    rule = RULES.get(request.endpoint)
    if rule in (Rule.OPEN, Rule.LINK):
        return
    g.caller = caller_in_pace()
    if not g.caller.is_local:
        _check_role(g.caller, rule)
        _check_owner(g.caller)


def _check_role(caller: Caller, rule: Rule | None) -> None:
    is_allowed = {
        Rule.READ: True,
        Rule.WRITE: caller.role.may_write,
        Rule.ADMIN: caller.role is Role.ADMIN,
    }.get(rule or Rule.OPEN, False)
    if not is_allowed:
        raise NotAllowed(
            f"This needs a key whose role allows it; that of {caller.name.removeprefix('key:')} is"
            f" {caller.role}.",
            code=Code.NOT_ALLOWED,
        )


def _check_owner(caller: Caller) -> None:
    """Raises NotFound for a batch or job that is not the caller's."""
    asked, ownership = request.view_args or {}, services().ownership
    batch_id, job_id = asked.get("batch_id", ""), asked.get("job_id", "")
    # What is no id is refused as such later.
    if re.fullmatch(ID_PATTERN, batch_id) and not caller.sees(ownership.of_batch(batch_id)):
        raise unknown_batch(batch_id)
    if re.fullmatch(ID_PATTERN, job_id) and not caller.sees(ownership.of_job(job_id)):
        raise unknown_job(job_id)


def _say_how(response: Response) -> Response:
    if response.status_code == Code.NOT_SIGNED_IN.http_status:
        response.headers.setdefault("WWW-Authenticate", 'Bearer realm="EVA-01"')
    return response
