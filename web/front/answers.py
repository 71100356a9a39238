"""What is answered without the app: to requests that are none, come too slowly, or are one too many."""

from http import HTTPStatus

from flask import Flask, Response
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error
from web.http.problems import OUR_FAULT, problem
from web.openai.envelope import enveloped_for

#: Characters of gunicorn's reason that are passed on.
_LONGEST_REASON = 200
#: What is answered to a request of which gunicorn itself makes no sense; 400 to others.
_STATUSES: dict[type[ParseException], HTTPStatus] = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


class Refused(Exception):
    """Raised when a connection ends with an answer of ours."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response

    def as_bytes(self, path: str) -> bytes:
        """The whole answer to a request for `path`, after which the connection ends."""
        response = enveloped_for(path, self.response)
        headers = [*response.headers, ("Connection", "close")]
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {text}" for name, text in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.get_data()


def unreadable(error: ParseException) -> Refused:
    """The answer to a request that is none, or passes a limit of gunicorn."""
    status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    message = f"The request's first lines cannot be read: {str(error)[:_LONGEST_REASON]}. Send others."
    return Refused(problem(status, f"http_{status.value}", message))


def too_slow(what: str) -> Refused:
    """The answer to a request of which a part did not come in time."""
    return _refused(Code.REQUEST_TOO_SLOW, f"The request came too slowly: {what}. Send it again, faster.")


def too_many(most: int) -> Refused:
    """The answer to a connection beyond the most that there may be."""
    message = f"There are {most:,} connections, as many as may be (EVA01_MAX_CONNECTIONS). Try again soon."
    return _refused(Code.TOO_MANY_CONNECTIONS, message)


def of_ours(error: Eva01Error) -> Refused:
    """The answer where an error of ours ends a request before the app has seen it."""
    return _refused(error.code, error.message)


def our_fault() -> Refused:
    """The answer where the app itself has failed to give one."""
    return _refused(Code.INTERNAL_ERROR, OUR_FAULT)


def health(app: Flask) -> Response:
    """What `app` says to who asks for its health, to be said again without it."""
    with app.test_request_context("/health"):
        response = app.full_dispatch_request()
    # All get this one, so it cannot name any of them.
    del response.headers["X-Request-Id"]
    return response


def _refused(code: Code, message: str) -> Refused:
    return Refused(problem(code.http_status, code, message))
