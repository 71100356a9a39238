"""JSON for pollers: an ETag, 304 when nothing changed, Retry-After."""

from typing import Any

from flask import Response, jsonify, request


def fresh_json(body: Any, *, retry_after_s: int | None = None) -> Response:
    """`body` as JSON with an ETag; 304 without a body when the caller has it already.

    `retry_after_s` tells a poller when to ask again.
    """
    response: Response = jsonify(body)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    response.add_etag()
    response.make_conditional(request)
    return response
