"""`Idempotency-Key`: a POST sent twice under the same key is done once, and answered the same both times.

first ──read──marked running──► done ──response kept──► a later one with the same body gets that response
                    │                                └─► one with another body: 422 idempotency_key_reused
                    └─ a second one meanwhile: 409 idempotency_in_progress

As draft-ietf-httpapi-idempotency-key-header describes it. A key is its caller's, for one address. Only what
was done is remembered: a request that was refused did nothing, and its key is free for a better one. The body
is read before anything is done, since only then it can be told from another; its files go to the spool, and
not into memory.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Protocol

import redis
from flask import Flask, Response, g, request
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Unreadable
from jobs.contract.metrics import UNREADABLE_RECORDS
from web.http.problems import problem

_log = logging.getLogger(__name__)

_LONGEST_KEY = 255
#: Headers that are kept with the response; the others are made anew.
_HEADERS = ("Content-Type", "Location", "Retry-After")


class Kept(BaseModel):
    """A response as it is kept."""

    status: int = Field(ge=HTTPStatus.OK, lt=HTTPStatus.BAD_REQUEST)
    headers: dict[str, Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$")]]
    body: str
    #: A digest of the request's body; None where an earlier version kept it.
    fingerprint: str | None = None


class Memory(Protocol):
    """Where responses are kept, by a digest of their request."""

    def begin(self, digest: str, /) -> bool:
        """Note that a request is being answered; False when another one under the same digest is, or was."""

    def earlier(self, digest: str, /) -> str | None:
        """The response that was kept; None while the first request is still being answered."""

    def keep(self, digest: str, response: str, keep_s: int, most_bytes: int, /) -> None:
        """Remember a response for `keep_s` seconds, and of all together `most_bytes`, the latest."""

    def forget(self, digest: str, /) -> None:
        """Let the same request be done again."""


@dataclass(frozen=True)
class Keeping:
    """How long responses are kept, how much of them all together, and those of which endpoints never."""

    memory: Memory
    seconds: int
    bytes: int
    never: Collection[str] = ()


def register_idempotency(
    app: Flask, keeping: Keeping, identity: Callable[[], str], fingerprint: Callable[[], str]
) -> None:
    """Make every POST of `app` repeatable: the response to what it did is kept.

    `identity` tells the request's caller from others; `fingerprint` reads the request's body and gives a
    digest of it.
    """
    app.before_request(lambda: _replay(keeping, identity, fingerprint))
    app.after_request(lambda response: _remember(keeping, response))


def _replay(keeping: Keeping, identity: Callable[[], str], fingerprint: Callable[[], str]) -> Response | None:
    """The response that was given before, or None when this request is the first."""
    memory = keeping.memory
    sent = request.headers.get("Idempotency-Key")
    if request.method != "POST" or sent is None or request.routing_exception:
        return None
    if request.endpoint in keeping.never:
        return None
    if not 0 < len(sent) <= _LONGEST_KEY:
        raise BadInput(
            f"Idempotency-Key should have 1–{_LONGEST_KEY} characters.", code=Code.BAD_IDEMPOTENCY_KEY
        )
    digest, body = _digest(identity(), sent), fingerprint()
    if memory.begin(digest):
        g.idempotency = digest, body
        return None
    return _earlier(memory.earlier(digest), body)


def _earlier(kept: str | None, body: str) -> Response:
    if kept is None:
        busy = problem(
            Code.IDEMPOTENCY_IN_PROGRESS.http_status,
            Code.IDEMPOTENCY_IN_PROGRESS,
            "A request with this Idempotency-Key is being answered. Wait for it.",
        )
        busy.headers["Retry-After"] = "1"
        return busy
    earlier = _read(kept)
    if earlier.fingerprint not in (None, body):
        raise BadInput(
            "The Idempotency-Key was used for a request with another body. Send this one under another key.",
            code=Code.IDEMPOTENCY_KEY_REUSED,
        )
    headers = {name: earlier.headers[name] for name in _HEADERS if name in earlier.headers}
    response = Response(earlier.body, earlier.status, headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _read(kept: str) -> Kept:
    """What was kept. Raises Unreadable."""
    try:
        return Kept.model_validate_json(kept)
    except ValidationError as error:
        UNREADABLE_RECORDS.labels("response").inc()
        _log.error("A response that is kept under an Idempotency-Key cannot be read: %s", error.title)
        raise Unreadable("the response under this Idempotency-Key") from None


def _remember(keeping: Keeping, response: Response) -> Response:
    digest, body = g.pop("idempotency", (None, None))
    if digest is None:
        return response
    try:
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            keeping.memory.forget(digest)
        else:
            keeping.memory.keep(digest, _as_text(response, body), keeping.seconds, keeping.bytes)
    except redis.RedisError as error:
        _log.warning("A response could not be remembered under its Idempotency-Key: %s", error)
    return response


def _as_text(response: Response, body: str) -> str:
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    text = response.get_data(as_text=True)
    return Kept(status=response.status_code, headers=headers, body=text, fingerprint=body).model_dump_json()


def _digest(identity: str, key: str) -> str:
    asked = json.dumps([identity, request.method, request.full_path, key])
    return hashlib.sha256(asked.encode()).hexdigest()
