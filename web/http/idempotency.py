"""`Idempotency-Key`: a POST sent twice under the same key is done once, and answered the same both times.

first ──marked running──► done ──response kept──► any later one gets that response
  └─ a second one meanwhile: 409 idempotency_in_progress
"""

import hashlib
import json
import logging
from http import HTTPStatus
from typing import Protocol

import redis
from flask import Flask, Response, g, request

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from web.http.problems import problem

_log = logging.getLogger(__name__)

_LONGEST_KEY = 255
#: Headers that are kept with the response; the others are made anew.
_HEADERS = ("Content-Type", "Location", "Retry-After")


class Memory(Protocol):
    """Where responses are kept, by a digest of their request."""

    def begin(self, digest: str, /) -> bool:
        """Note that a request is being answered; False when another one under the same digest is, or was."""

    def earlier(self, digest: str, /) -> str | None:
        """The response that was kept; None while the first request is still being answered."""

    def keep(self, digest: str, response: str, keep_s: int, /) -> None:
        """Remember a response for `keep_s` seconds."""

    def forget(self, digest: str, /) -> None:
        """Let the same request be done again."""


def register_idempotency(app: Flask, memory: Memory, keep_s: int) -> None:
    """Make every POST of `app` repeatable: its response is kept for `keep_s` seconds in `memory`."""
    app.before_request(lambda: _replay(memory))
    app.after_request(lambda response: _remember(memory, keep_s, response))


def _replay(memory: Memory) -> Response | None:
    """The response that was given before, or None when this request is the first."""
    sent = request.headers.get("Idempotency-Key")
    if request.method != "POST" or sent is None:
        return None
    if not 0 < len(sent) <= _LONGEST_KEY:
        raise BadInput(
            f"Idempotency-Key should have 1–{_LONGEST_KEY} characters.", code=Code.BAD_IDEMPOTENCY_KEY
        )
    digest = _digest(sent)
    if memory.begin(digest):
        g.idempotency_digest = digest
        return None
    return _earlier(memory.earlier(digest))


def _earlier(kept: str | None) -> Response:
    if kept is None:
        busy = problem(
            Code.IDEMPOTENCY_IN_PROGRESS.http_status,
            Code.IDEMPOTENCY_IN_PROGRESS,
            "A request with this Idempotency-Key is being answered. Wait for it.",
        )
        busy.headers["Retry-After"] = "1"
        return busy
    earlier = json.loads(kept)
    response = Response(earlier["body"], earlier["status"], earlier["headers"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _remember(memory: Memory, keep_s: int, response: Response) -> Response:
    digest = g.pop("idempotency_digest", None)
    if digest is None:
        return response
    try:
        if response.status_code >= 500 or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            memory.forget(digest)
        else:
            memory.keep(digest, _as_text(response), keep_s)
    except redis.RedisError as error:
        _log.warning("A response could not be remembered under its Idempotency-Key: %s", error)
    return response


def _as_text(response: Response) -> str:
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    return json.dumps(
        {"status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}
    )


def _digest(key: str) -> str:
    return hashlib.sha256(
        f"{request.method}\n{request.full_path}\n{key}".encode("utf-8", "replace")
    ).hexdigest()
