"""Errors as OpenAI's clients read them: `{"error": {"message", "type", "param", "code"}}`.

An error is made like any other of the API, and put into this envelope when it leaves for an address under
/v1. By `x-should-retry` their clients know whether to send the same again; else they do so after any error of
the server.
"""

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, json, request

from jobs.contract.codes import Code

PREFIX = "/v1/"
_PROBLEM = "application/problem+json"
#: Codes that OpenAI's API has for what is called otherwise here.
_CODES: dict[str, str] = {
    Code.UNKNOWN_MODEL: "model_not_found",
    Code.NOT_SIGNED_IN: "invalid_api_key",
    Code.UNKNOWN_KEY: "invalid_api_key",
    Code.KEY_IS_OVER: "invalid_api_key",
    Code.PROMPT_TOO_LONG: "context_length_exceeded",
    Code.QUOTA_EXCEEDED: "insufficient_quota",
}
#: Statuses that are other there.
_STATUSES: dict[str, HTTPStatus] = {
    Code.UNKNOWN_MODEL: HTTPStatus.NOT_FOUND,
    Code.PROMPT_TOO_LONG: HTTPStatus.BAD_REQUEST,
}
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


def register_envelope(app: Flask) -> None:
    """Have `app` answer errors under /v1 as OpenAI's clients read them."""
    app.after_request(enveloped)


def enveloped(response: Response) -> Response:
    """A response as it leaves: a problem under /v1 in the envelope, anything else as it is."""
    return enveloped_for(request.path, response, g.get("refused_field"))


def enveloped_for(path: str, response: Response, field: str | None = None) -> Response:
    """The same of the response to a request for `path`; `field` is the parameter that it is about."""
    if not path.startswith(PREFIX) or response.mimetype != _PROBLEM:
        return response
    problem = json.loads(response.get_data())
    code = problem["code"]
    response.status_code, body = error_of(code, problem["detail"], response.status_code, field)
    response.set_data(json.dumps(body))
    response.content_type = "application/json"
    response.headers["x-should-retry"] = "true" if _is_retryable(code) else "false"
    return response


def error_of(
    code: str, message: str, http_status: int, field: str | None = None
) -> tuple[int, dict[str, Any]]:
    """An error's status there, and its body; `field` is the parameter that it is about."""
    status = _STATUSES.get(code, HTTPStatus(http_status))
    error = {
        "message": message,
        "type": _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        "param": field,
        "code": _CODES.get(code, code),
    }
    return status.value, {"error": error}


def _is_retryable(code: str) -> bool:
    known = Code.known(code)
    return known is not None and known.is_retryable
