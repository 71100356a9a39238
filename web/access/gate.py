"""Nobody does what their role does not allow, nor sees what is another's.

who asks? ──► too often? ──► may they do this? ──► is it theirs? ──► the call
   401           429               403                404: as if it were not there, in the same time
"""

import re
from typing import TYPE_CHECKING

import redis
from flask import Flask, Response, g, request

from jobs import log
from jobs.contract.access.audit import Kind, Target
from jobs.contract.access.owners import Caller, Role
from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, NotAllowed, NotSignedIn, TooManyWrongKeys
from jobs.contract.models import ID_PATTERN
from jobs.storage.store.batches import unknown_batch
from jobs.storage.store.jobs import unknown_job
from web.access.audit import note_look, note_refused
from web.access.caller import check_page, find_caller
from web.access.login import register_login
from web.access.pace import count_request
from web.access.rules import RULES, Rule
from web.access.signing import register_provider
from web.http.hosts import check_host
from web.http.origins import SAFE, check_origin
from web.http.problems import of_redis, what_is_left
from web.http.proxies import believe_proxies
from web.http.query import check_query
from web.services import services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: What is heard of a key that was tried in vain.
_TRIED = (Code.UNKNOWN_KEY, Code.KEY_IS_OVER, Code.TOO_MANY_WRONG_KEYS)


def register_access(app: Flask) -> None:
    """Have `app` look who asks before it does anything for them."""
    register_login(app)
    register_provider(app)
    app.before_request(_check)
    app.after_request(_say_how)


def lets_in(app: Flask, environ: "WSGIEnvironment") -> bool:
    """True when `app` would read a large body of a request, of which only the head is looked at.

    That is one by which somebody who is known to be allowed to changes something: no other needs to be large.
    Raises what an error of Redis is to a caller, such as Unavailable: the app, which asks again, might know,
    and read what was not taken.
    """
    believe_proxies(app, environ)
    with app.request_context(environ):
        rule = RULES.get(request.endpoint or "")
        if request.routing_exception or request.method in SAFE or rule in (Rule.OPEN, Rule.LINK):
            return False
        try:
            check_host()
            check_origin()
            _check()
            check_query()
        except Eva01Error:
            return False
        except redis.RedisError as error:
            raise of_redis(error) from error
        return True


def _check() -> None:
    """Raises NotSignedIn, TooManyWrongKeys, Conflict, QuotaExceeded, NotAllowed and NotFound."""
    if request.endpoint is None:
        # There is nothing at this address, and nothing that could be seen.
        return
    rule = RULES.get(request.endpoint)
    if rule in (Rule.OPEN, Rule.LINK):
        return
    g.caller = found_caller()
    check_page(g.caller)
    g.paced = count_request(g.caller)
    if g.caller.is_local:
        _check_local(rule)
    else:
        log.add(who=g.caller.name, owner=g.caller.owner)
        _check_role(g.caller, rule)
    _check_owner(g.caller)


def found_caller() -> Caller:
    """Who makes the current request; that a key was tried in vain is written into the audit trail.

    Raises NotSignedIn and TooManyWrongKeys.
    """
    try:
        return find_caller()
    except (NotSignedIn, TooManyWrongKeys) as error:
        # Whoever has none, or a session that is over, has not tried to come in.
        tried = request.headers.get("Authorization")
        if tried and error.code in _TRIED:
            note_refused(error, tried.partition(" ")[2].strip())
        raise


def _check_local(rule: Rule | None) -> None:
    if rule is Rule.KNOWN_ADMIN:
        raise NotAllowed(
            "No login is needed here so far. The first key is made on the server, with `eva01 keys add`.",
            code=Code.NOT_ALLOWED,
        )


def _check_role(caller: Caller, rule: Rule | None) -> None:
    if not _allows(rule, caller.role):
        raise NotAllowed(
            f"This needs a key whose role allows it; that of {caller.name.removeprefix('key:')} is"
            f" {caller.role}.",
            code=Code.NOT_ALLOWED,
        )


def _allows(rule: Rule | None, role: Role) -> bool:
    if rule in (Rule.ADMIN, Rule.KNOWN_ADMIN):
        return role is Role.ADMIN
    return role.may_write if rule is Rule.WRITE else rule is Rule.READ


def _check_owner(caller: Caller) -> None:
    """Raises NotFound for a batch or job that is not the caller's."""
    asked, ownership = request.view_args or {}, services().ownership
    batch_id, job_id = asked.get("batch_id", ""), asked.get("job_id", "")
    # What is no id is refused as such later.
    if re.fullmatch(ID_PATTERN, batch_id):
        owner = ownership.of_batch(batch_id)
        if not caller.sees(owner):
            raise unknown_batch(batch_id)
        _note_look(caller, Target(kind=Kind.BATCH, id=batch_id, owner=owner))
    if re.fullmatch(ID_PATTERN, job_id):
        owner = ownership.of_job(job_id)
        if not caller.sees(owner):
            raise unknown_job(job_id)
        _note_look(caller, Target(kind=Kind.JOB, id=job_id, owner=owner))


def _note_look(caller: Caller, target: Target) -> None:
    """Have it written that an admin sees what is another's; of a batch's job, that they see the batch."""
    if target.owner is None or target.owner in caller.owners:
        return
    batch_id = services().store.get_shown_job(target.id).batch_id if target.kind is Kind.JOB else None
    if batch_id:
        target = Target(kind=Kind.BATCH, id=batch_id, owner=target.owner)
    note_look(caller, target)


def _say_how(response: Response) -> Response:
    if response.status_code == Code.NOT_SIGNED_IN.http_status:
        response.headers.setdefault("WWW-Authenticate", 'Bearer realm="EVA-01"')
    if paced := g.get("paced"):
        rate = g.caller.quotas.requests_per_s
        said = what_is_left("requests_per_s", rate, 1, left=paced.left, renews_s=paced.owed_s)
        # Beside what a response says of another quota that is used up.
        for name, value in said.items():
            response.headers.add(name, value)
    return response
