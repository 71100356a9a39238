"""Errors as pages, in the visitor's language.

error of a page                          ──► the error page; of the form: the form, with what was typed
nobody knows who asks for a page         ──► the page where one signs in
unknown address, asked for by a browser  ──► the error page
unknown address, asked for by a program  ──► problem JSON
"""

import redis
from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, NotSignedIn
from web.access.caller import caller
from web.http.problems import (
    count_refusal,
    from_http,
    http_code,
    http_message,
    of_redis,
    our_fault,
    when_to_come_again,
)
from web.intake.wishes import LINES
from web.pages.page import page, problem_shown

#: The fields of the form in which somebody types or chooses something.
TYPED = ("question", "model", *LINES, "group_by")


def register_errors(pages: Blueprint) -> None:
    """Make every error of `pages` a page, and an unknown address too when a browser asks for it."""
    pages.register_error_handler(Eva01Error, _refused)
    pages.register_error_handler(HTTPException, _refused_by_http)
    pages.register_error_handler(redis.RedisError, _redis_failed)
    pages.register_error_handler(Exception, _unexpected)
    # An unknown address belongs to no blueprint, so only a handler of the app hears of it.
    for kind in (NotFound, MethodNotAllowed):
        pages.app_errorhandler(kind)(_unknown_address)


def _refused(error: Eva01Error) -> ResponseReturnValue:
    count_refusal(error)
    if isinstance(error, NotSignedIn) and request.method in ("GET", "HEAD"):
        here = request.script_root + request.full_path.removesuffix("?")
        return redirect(url_for("pages.sign_in_page", next=here), 303)
    response = _error_page(error.code.http_status, error.code, error.message)
    response.headers.update(when_to_come_again(error))
    return response


def _refused_by_http(error: HTTPException) -> Response:
    return _error_page(error.code or 500, http_code(error), http_message(error))


def _redis_failed(error: redis.RedisError) -> ResponseReturnValue:
    said = of_redis(error)
    return _fault(said) if said.code is Code.INTERNAL_ERROR else _refused(said)


def _unexpected(error: Exception) -> Response:
    return _fault(our_fault(error))


def _fault(fault: Eva01Error) -> Response:
    # Never above the form: drawing it may be what failed.
    return _plain_error_page(fault.code.http_status, fault.code, fault.message)


def _unknown_address(error: HTTPException) -> ResponseReturnValue:
    if request.blueprint == "pages":
        return _refused_by_http(error)
    if _is_for_programs(request.path) or not _is_browser():
        return from_http(error)
    response = _refused_by_http(error)
    response.vary.add("Accept")
    return response


def _is_browser() -> bool:
    """True when HTML is preferred; a program that takes anything gets JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _is_for_programs(path: str) -> bool:
    """True below /api, /docs, and wherever else something is served that is no page."""
    rules = current_app.url_map.iter_rules()
    first_parts = {_first_part(rule.rule) for rule in rules if not rule.endpoint.startswith("pages.")}
    return _first_part(path) in first_parts


def _first_part(path: str) -> str:
    return path.split("/")[1]


def _error_page(status: int, code: str, message: str) -> Response:
    """What is wrong; above the form, when it was the form that was refused, with what was typed."""
    # What was not meant for this server, or not by its visitor, sees nothing of what is here.
    is_stranger = code in (Code.FOREIGN_ORIGIN, Code.UNKNOWN_HOST) or "caller" not in g
    is_stranger = is_stranger or not caller().role.may_write
    if request.endpoint != "pages.create_batch" or is_stranger:
        return _plain_error_page(status, code, message)
    problem = problem_shown(status, code, message)
    return page("index.html", status, here="ask", form=_typed(), problem=problem)


def _typed() -> dict[str, str]:
    """The form's texts; none when it could not be read, because reading it again would fail again."""
    if "form" not in vars(request):
        return {}
    return {name: request.form.get(name, "") for name in TYPED}


def _plain_error_page(status: int, code: str, message: str) -> Response:
    # Whoever has a link alone is led to none of our other pages.
    is_shared = request.endpoint == "pages.shared_page"
    return page("error.html", status, problem=problem_shown(status, code, message), is_shared=is_shared)
