"""Every error as application/problem+json (RFC 9457) with a stable `code`."""

import logging
import math
from collections import Counter as Counts
from http import HTTPStatus

import redis
from flask import Flask, Response, g, json, request
from prometheus_client import Counter
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from jobs.contract.codes import Code
from jobs.contract.errors import (
    BadInput,
    Eva01Error,
    NoRoom,
    Overloaded,
    QuotaExceeded,
    TooLarge,
    TooManyWrongKeys,
    Unreadable,
)
from jobs.contract.faults import fault_of
from jobs.contract.metrics import UNREADABLE_RECORDS
from jobs.contract.refusals import Refusal, is_wrong_type, unavailable
from web.http.request_log import called
from web.http.security import PRIVATE

_log = logging.getLogger(__name__)

#: Seconds after which a caller may try again when something is away.
RETRY_AFTER_S = 2
#: What callers hear of a fault of ours.
OUR_FAULT = "Something went wrong here that should not have. The server's log says what."
#: Codes of what Werkzeug refuses by itself; any other status is `http_<status>`.
_HTTP_CODES = {
    400: Code.MALFORMED_BODY,
    404: Code.NO_SUCH_PAGE,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.REQUEST_TOO_LARGE,
}
#: Codes of fields that are missing or malformed; any other field is `invalid_field`.
_MISSING = {"file": Code.MISSING_FILE, "files": Code.MISSING_FILE}
_MALFORMED = dict.fromkeys(("job_id", "batch_id", "share_id"), Code.MALFORMED_ID) | {"": Code.MALFORMED_BODY}

#: The metric's label `reason` for each kind of refusal.
_REASONS = {Overloaded: "full", QuotaExceeded: "quota", NoRoom: "disk", TooLarge: "limit"}
REFUSED = Counter(
    "eva01_refused_total",
    "How many requests and files were refused for lack of room or by a limit.",
    ["reason"],
)


def register_problems(app: Flask) -> None:
    """Make `app` answer every error with problem JSON."""
    app.register_error_handler(Eva01Error, _from_ours)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(redis.RedisError, _from_redis)
    app.register_error_handler(Exception, _from_unexpected)


def problem(status: int, code: str, message: str) -> Response:
    """A problem as a response."""
    body = {
        "type": f"urn:eva01:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
    }
    response = Response(json.dumps(body), status, content_type="application/problem+json")
    # Caches may keep a 404 by default, but what does not exist yet may exist a moment later.
    response.headers["Cache-Control"] = PRIVATE
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def refuse_fields(error: ValidationError) -> Response:
    """Raises BadInput for the first field of a request that cannot be used."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    field = place[0] if place else ""
    if first["type"] == "missing" and field in _MISSING and not request.is_json:
        message = f"The form has no `{field}`. Send multipart/form-data with a file under that name."
        raise BadInput(message, code=_MISSING[field])
    code = _MALFORMED.get(field, Code.INVALID_FIELD)
    if code is Code.MALFORMED_BODY:
        raise BadInput("The body is not a JSON object. Send one, as application/json.", code=code)
    value = first.get("input")
    # An object as Python writes it, cut in its middle, would say nothing to anybody.
    shown = "" if isinstance(value, dict) else f" is {repr(value)[:100]}"
    raise BadInput(f"`{'.'.join(place)[:100]}`{shown}: {fault_of(first)}.", code=code) from error


def _from_ours(error: Eva01Error) -> Response:
    count_refusal(error)
    g.refused_field = getattr(error, "field", None)
    response = problem(error.code.http_status, error.code, error.message)
    response.headers.update(when_to_come_again(error))
    return response


def when_to_come_again(error: Eva01Error) -> dict[str, str]:
    """The headers that say so, and what is left of a quota."""
    if isinstance(error, Overloaded | TooManyWrongKeys):
        return {"Retry-After": str(error.retry_after_s)}
    if error.code is Code.IDEMPOTENCY_IN_PROGRESS:
        return {"Retry-After": "1"}
    if not isinstance(error, QuotaExceeded):
        return {}
    said = what_is_left(
        error.quota, error.limit, error.window_s, left=int(error.left), renews_s=error.renews_s
    )
    return {"Retry-After": str(_whole(error.renews_s)), **said}


def what_is_left(
    quota: str, limit: float, window_s: int | None, *, left: int, renews_s: float
) -> dict[str, str]:
    """The headers that say what is left of a quota, and when it renews.

    They are those of draft-ietf-httpapi-ratelimit-headers. `window_s` is in how many seconds so much may be
    taken; None where that is no matter of time.
    """
    if window_s and 0 < limit < 1:
        # The header has whole numbers: one in so many times its time.
        limit, window_s = 1, math.ceil(window_s / limit)
    window = f";w={window_s}" if window_s else ""
    return {
        "RateLimit-Policy": f'"{quota}";q={int(limit)}{window}',
        "RateLimit": f'"{quota}";r={left};t={_whole(renews_s)}',
    }


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def count_refusal(*errors: Eva01Error) -> None:
    """Count what is refused for lack of room or because of a limit."""
    for kind, count in Counts(map(type, errors)).items():
        reason = next((reason for one, reason in _REASONS.items() if issubclass(kind, one)), None)
        if reason:
            REFUSED.labels(reason).inc(count)


def from_http(error: HTTPException) -> Response:
    """What Werkzeug refuses by itself, as a problem."""
    response = problem(error.code or 500, http_code(error), http_message(error))
    if error.response is None:
        kept = ((name, value) for name, value in error.get_headers() if name in ("Allow", "Location"))
        response.headers.extend(kept)
    return response


def http_code(error: HTTPException) -> str:
    """The code of what Werkzeug refuses by itself."""
    status = error.code or 500
    return _HTTP_CODES.get(status, f"http_{status}")


def http_message(error: HTTPException) -> str:
    """The same in a sentence that names the value and the remedy."""
    if isinstance(error, RequestEntityTooLarge):
        return _size_message(request.max_content_length or 0)
    if error.code == HTTPStatus.NOT_FOUND:
        below = request.script_root
        return f"There is nothing at {below}{request.path}. {below}/docs lists all that there is."
    return error.description or HTTPStatus(error.code or 500).phrase


def _size_message(limit: int) -> str:
    if (request.content_length or 0) <= limit:
        return f"The request has more than {limit:,} bytes, or a form with too many or too long text fields."
    if request.mimetype == "multipart/form-data":
        return f"The request has more than {limit:,} bytes (EVA01_MAX_REQUEST_BYTES). Send it in parts."
    return f"The request has more than {limit:,} bytes, which is too much for one without files."


def _from_redis(error: redis.RedisError) -> Response:
    return _from_ours(of_redis(error))


def of_redis(error: redis.RedisError) -> Eva01Error:
    """An error of Redis, noted in the log, as the caller hears of it."""
    if is_wrong_type(error):
        UNREADABLE_RECORDS.labels("call").inc()
        _log.error("%s met a key of another type: %s", called(), error)
        return Unreadable("something that this needs")
    if isinstance(error, redis.ResponseError) and Refusal.of(error) is None:
        return our_fault(error)
    said = unavailable(error)
    _log.warning("%s", said.message if Refusal.of(error) else f"Redis does not answer: {error}")
    return said


def _from_unexpected(error: Exception) -> Response:
    return _from_ours(our_fault(error))


def our_fault(error: Exception) -> Eva01Error:
    """An error that nobody foresaw, noted in the log; the caller hears nothing of our inside."""
    _log.error("%s failed", called(), exc_info=error)
    return Eva01Error(OUR_FAULT, code=Code.INTERNAL_ERROR)
