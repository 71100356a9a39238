"""Signing in: with a key, or at the OpenID Connect provider. Each way in ends in a session."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from prometheus_client import Counter
from werkzeug import Response

from jobs.contract.access.audit import Action
from jobs.contract.access.owners import Caller, digest_of
from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, NotAllowed, NotSignedIn
from web.access.audit import note, note_refused
from web.access.holders import holder_of_text
from web.access.members import member_of
from web.access.openid import Flow, Provider
from web.access.pace import check_tries, count_request, count_wrong_key
from web.access.session import sign_in
from web.http.cookies import cookie, drop_cookie, set_cookie
from web.services import services, services_of

SIGN_INS = Counter(
    "eva01_sign_ins_total",
    "How many sign-ins at the page there were, by way and outcome.",
    ["how", "outcome"],
)
# A series that is there from the start tells "none" from "not known".
for _how in ("key", "openid"):
    SIGN_INS.labels(_how, "succeeded")

_NAME = "eva01_provider"
#: Holds a sign-in at the provider that is under way, signed.
_FLOW_COOKIE = "eva01_sign_in"
#: Seconds that one may take there.
_FLOW_S = 600
_SALT = "eva01.sign_in"


def register_provider(app: Flask) -> None:
    """Have `provider()` find the one that `app` is set up with."""
    app.extensions[_NAME] = Provider(services_of(app).web)


def provider() -> Provider:
    """That of the app that answers the current request."""
    found: Provider = current_app.extensions[_NAME]
    return found


def sign_in_with_key(response: Response, text: str) -> None:
    """Open a session for whoever holds this key.

    Raises NotSignedIn, and TooManyWrongKeys when too many wrong ones came from the same address.
    """
    text = text.strip()
    with _counted("key", text):
        holder = holder_of_text(services(), text)
        count_request(holder)
        note(Action.SIGN_IN, who=holder)
        sign_in(response, holder, key_digest=digest_of(text))


def begin_at_provider(response: Response, redirect_uri: str, next_: str) -> str:
    """The address at the provider to which the browser has to go.

    Raises Unavailable.
    """
    flow = Flow(next=next_)
    address = provider().begin(flow, redirect_uri)
    set_cookie(response, _FLOW_COOKIE, _signer().dumps(flow.kept()), _FLOW_S)
    return address


def end_at_provider(redirect_uri: str) -> tuple[Caller, str]:
    """Who has come back from the provider, and where they want to go.

    Raises NotSignedIn, NotAllowed, Unavailable, and TooManyWrongKeys when too many came back from the same
    address with nothing: the provider is asked about each.
    """
    with _counted("openid"):
        check_tries()
        try:
            flow = _flow()
            member = member_of(provider().end(flow, redirect_uri, request.args.to_dict()), services().web)
        except (NotSignedIn, NotAllowed):
            count_wrong_key()
            raise
        who = Caller(
            name=f"openid:{member.owner}",
            owner=member.owner,
            role=member.role,
            teams=frozenset(member.teams),
        )
    return who, flow.next


def let_in(response: Response, who: Caller) -> None:
    """Open a session for somebody who has come back from the provider."""
    drop_cookie(response, _FLOW_COOKIE)
    note(Action.SIGN_IN, who=who)
    sign_in(response, who)


def _flow() -> Flow:
    try:
        return Flow(**_signer().loads(cookie(_FLOW_COOKIE) or "", max_age=_FLOW_S))
    except (BadData, TypeError) as error:
        raise NotSignedIn(
            f"No sign-in is under way in this browser: it took longer than {_FLOW_S // 60} minutes, was"
            " begun in another one, or cookies are not allowed. Begin again.",
            code=Code.SIGN_IN_FAILED,
        ) from error


def _signer() -> URLSafeTimedSerializer:
    key = services().web.secret_key.get_secret_value() or services().signing_key.get()
    return URLSafeTimedSerializer(key, salt=_SALT)


@contextmanager
def _counted(how: str, credential: str = "") -> Iterator[None]:
    """Every sign-in passes here, however it ends."""
    try:
        yield
    except Eva01Error as error:
        SIGN_INS.labels(how, error.code).inc()
        note_refused(error, credential)
        raise
    SIGN_INS.labels(how, "succeeded").inc()
