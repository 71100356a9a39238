"""The pages where one signs in and out; all of it works where no script runs."""

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug import Response as PlainResponse

from jobs.contract.access.audit import Action
from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, NotSignedIn, TooManyWrongKeys
from web.access.audit import note_anyway
from web.access.caller import caller
from web.access.gate import found_caller
from web.access.login import login
from web.access.session import current_session, sign_out
from web.access.signing import begin_at_provider, end_at_provider, let_in, provider, sign_in_with_key
from web.pages.page import local_path, page, problem_shown
from web.services import services


def register_signing(pages: Blueprint) -> None:
    """Add these pages to the others."""
    pages.get("/sign-in")(sign_in_page)
    pages.post("/sign-in")(check_key)
    pages.get("/sign-in/openid")(go_to_provider)
    pages.get("/sign-in/openid/callback")(come_back)
    pages.post("/sign-out")(leave)
    pages.get("/account")(account)


def sign_in_page() -> PlainResponse:
    """Where one signs in; who need not, or has already, goes on to where they wanted to."""
    if not login().is_needed():
        return redirect(url_for("pages.index"), 303)
    try:
        found_caller()
    except NotSignedIn as error:
        return _form(_next(request.args.get("next")), error, 200)
    except TooManyWrongKeys as error:
        return _form(_next(request.args.get("next")), error)
    return redirect(_next(request.args.get("next")), 303)


def check_key() -> PlainResponse:
    """Sign in with the key that was pasted."""
    way = _next(request.form.get("next"))
    response = redirect(way, 303)
    try:
        sign_in_with_key(response, request.form.get("key", ""))
    except (NotSignedIn, TooManyWrongKeys) as error:
        return _form(way, error)
    return response


def go_to_provider() -> PlainResponse:
    """Off to the OpenID Connect provider."""
    if not provider().is_set:
        abort(404)
    way = _next(request.args.get("next"))
    response = redirect(way, 303)
    try:
        response.location = begin_at_provider(response, _callback(), way)
    except Eva01Error as error:
        return _form(way, error)
    return response


def come_back() -> PlainResponse:
    """Back from there, with a code or an error in the address."""
    if not provider().is_set:
        abort(404)
    try:
        who, way = end_at_provider(_callback())
    except Eva01Error as error:
        return _form(url_for("pages.index"), error)
    response = redirect(_next(way), 303)
    let_in(response, who)
    return response


def leave() -> PlainResponse:
    """Sign out: here, or in every browser."""
    response = redirect(url_for("pages.sign_in_page"), 303)
    everywhere = "everywhere" in request.form
    if session := current_session():
        note_anyway(Action.SIGN_OUT_EVERYWHERE if everywhere else Action.SIGN_OUT, session.caller())
    sign_out(response, everywhere=everywhere)
    return response


def account() -> PlainResponse:
    """Who is signed in, and where else."""
    who = caller()
    if who.is_local or who.owner is None:
        return redirect(url_for("pages.index"), 303)
    mine = [session for session in services().sessions.of(who.owner) if session.name == who.name]
    return page("account.html", here="account", sessions=mine, current=current_session())


def _form(way: str, error: Eva01Error, status: int | None = None) -> Response:
    """The page with what is wrong, if anything is; the key is never shown again."""
    is_first = error.code is Code.NOT_SIGNED_IN
    response = page(
        "sign_in.html",
        status or error.code.http_status,
        here="sign-in",
        place=url_for("pages.sign_in_page", next=way),
        next=way,
        has_provider=provider().is_set,
        problem=None if is_first else problem_shown(error.code.http_status, error.code, error.message),
    )
    if isinstance(error, TooManyWrongKeys):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _next(path: str | None) -> str:
    return local_path(path or "")


def _callback() -> str:
    return url_for("pages.come_back", _external=True)
