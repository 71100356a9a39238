"""`Idempotency-Key`: a POST sent twice under the same key is done once, and answered the same both times.

first ──marked running──► done ──response kept──► any later one gets that response
  └─ a second one meanwhile: 409 idempotency_in_progress
"""

import hashlib
import json
import logging
from http import HTTPStatus
from typing import cast

import redis
from flask import Flask, Response, g, request

from jobs import names
from jobs.errors import BadInput
from web.problems import problem
from web.services import services

_log = logging.getLogger(__name__)

_RUNNING = "running"
#: Seconds for which a request that died with its server keeps others away.
_RUNNING_S = 120
_LONGEST_KEY = 255
#: Headers that are part of the answer.
_HEADERS = ("Content-Type", "Location", "Retry-After")


def register_idempotency(app: Flask) -> None:
    """Make every POST of `app` repeatable."""
    app.before_request(_replay)
    app.after_request(_remember)


def _replay() -> Response | None:
    """The response that was given before, or None when this request is the first."""
    sent = request.headers.get("Idempotency-Key")
    if request.method != "POST" or sent is None:
        return None
    if not 0 < len(sent) <= _LONGEST_KEY:
        raise BadInput(
            f"Idempotency-Key should have 1–{_LONGEST_KEY} characters.", code="bad_idempotency_key"
        )
    key = names.idempotency_key(_digest(sent))
    client = services().store.redis
    if client.set(key, _RUNNING, nx=True, ex=_RUNNING_S):
        g.idempotency_key = key
        return None
    return _earlier(cast(str | None, client.get(key)))


def _earlier(kept: str | None) -> Response:
    if kept is None or kept == _RUNNING:
        busy = problem(
            409,
            "idempotency_in_progress",
            "A request with this Idempotency-Key is being answered. Wait for it.",
        )
        busy.headers["Retry-After"] = "1"
        return busy
    earlier = json.loads(kept)
    response = Response(earlier["body"], earlier["status"], earlier["headers"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _remember(response: Response) -> Response:
    key = g.pop("idempotency_key", None)
    if key is None:
        return response
    try:
        _keep(key, response)
    except redis.RedisError as error:
        _log.warning("A response could not be remembered under its Idempotency-Key: %s", error)
    return response


def _keep(key: str, response: Response) -> None:
    client = services().store.redis
    if response.status_code >= 500 or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        client.delete(key)
        return
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    kept = {"status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}
    client.set(key, json.dumps(kept), ex=int(services().web.idempotency_hours * 3600) or 1)


def _digest(key: str) -> str:
    return hashlib.sha256(
        f"{request.method}\n{request.full_path}\n{key}".encode("utf-8", "replace")
    ).hexdigest()
