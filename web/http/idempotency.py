"""`Idempotency-Key`: a POST sent twice under the same key is done once, and answered the same both times.

first ──read──marked running──► done ──response kept──► a later one with the same body gets that response
                    │                                ├─► one with another body: 422 idempotency_key_reused
                    │                                └─► what it speaks of is deleted: 410 deleted_since
                    └─ a second one meanwhile: 409 idempotency_in_progress

As draft-ietf-httpapi-idempotency-key-header describes it. A key is its caller's, for one address. Only what
was done is remembered: a request that was refused did nothing, and its key is free for a better one. The body
is read before anything is done, since only then it can be told from another; its files go to the spool, and
not into memory.

What a response speaks of may be deleted: then it is given no more. Nor is the request done again, since it
may be the first one that comes late.
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

from jobs.contract.asking.order import SentFile
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Conflict, Gone, Unreadable
from jobs.contract.faults import fault_of
from jobs.contract.metrics import UNREADABLE_RECORDS
from jobs.contract.models import Batch, Job
from jobs.contract.subject import Subject

_log = logging.getLogger(__name__)

#: Responses that are not kept: they are still being made while they are sent.
EVENTS = "text/event-stream"
_LONGEST_KEY = 255
#: The field of a page's form that stands for the header, which a browser cannot send.
_FIELD = "once"
#: Headers that are kept with the response; the others are made anew.
_HEADERS = ("Content-Type", "Location", "Retry-After")


class Kept(BaseModel):
    """A response as it is kept; of one that speaks of what was deleted nothing remains but its subject."""

    status: int | None = Field(default=None, ge=HTTPStatus.OK, lt=HTTPStatus.BAD_REQUEST)
    headers: dict[str, Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$")]] = Field(default_factory=dict)
    body: str = ""
    #: A digest of the request's body; None where an earlier version kept it.
    fingerprint: str | None = None
    #: What it speaks of; one that an earlier version has kept does not say it.
    subject: Subject = Subject()


class Memory(Protocol):
    """Where responses are kept, by a digest of their request."""

    def begin(self, digest: str, most_s: int, /) -> bool:
        """Note that a request is being answered, for `most_s` seconds if its server dies meanwhile.

        False when another one under the same digest is, or was.
        """

    def earlier(self, digest: str, /) -> str | None:
        """The response that was kept; None while the first request is still being answered."""

    def is_gone(self, subject: Subject, /) -> bool:
        """True when what a response speaks of is deleted."""

    def keep(self, digest: str, response: str, keep_s: int, most_bytes: int, subject: Subject, /) -> None:
        """Remember a response for `keep_s` seconds, and of all together `most_bytes`, the latest."""

    def forget(self, digest: str, /) -> None:
        """Let the same request be done again."""


@dataclass(frozen=True)
class Keeping:
    """How long responses are kept, how much of them all together, and those of which endpoints never.

    `forms` are the endpoints of forms of pages, which have a key of their own. `most_s` is longer than any
    request takes: for so many seconds one that died with its server keeps others away.
    """

    memory: Memory
    most_s: int
    seconds: int
    bytes: int
    never: Collection[str] = ()
    forms: Collection[str] = ()


def register_idempotency(
    app: Flask, keeping: Keeping, identity: Callable[[], str], fingerprint: Callable[[], str]
) -> None:
    """Make every POST of `app` repeatable: the response to what it did is kept.

    `identity` tells the request's caller from others; `fingerprint` reads the request's body and gives a
    digest of it.
    """
    app.before_request(lambda: _replay(keeping, identity, fingerprint))
    app.after_request(lambda response: _remember(keeping, response))


def speaks_of(thing: Batch | Job | SentFile) -> None:
    """Note what the response to the current request speaks of, unless its address names that batch."""
    g.spoken_of = Subject.of(thing)


def _replay(keeping: Keeping, identity: Callable[[], str], fingerprint: Callable[[], str]) -> Response | None:
    """The response that was given before, or None when this request is the first."""
    memory = keeping.memory
    if request.method != "POST" or request.routing_exception or request.endpoint in keeping.never:
        return None
    sent = request.headers.get("Idempotency-Key")
    if sent is None and request.endpoint in keeping.forms and _FIELD in request.form:
        # Whoever goes back to the form and sends something else means something else.
        sent = f"{request.form[_FIELD]} {fingerprint()}"
    if sent is None:
        return None
    if not 0 < len(sent) <= _LONGEST_KEY:
        raise BadInput(
            f"Idempotency-Key should have 1–{_LONGEST_KEY} characters.", code=Code.BAD_IDEMPOTENCY_KEY
        )
    digest, body = _digest(identity(), sent), fingerprint()
    if memory.begin(digest, keeping.most_s):
        g.idempotency = digest, body
        return None
    return _earlier(memory, memory.earlier(digest), body)


def _earlier(memory: Memory, kept: str | None, body: str) -> Response:
    if kept is None:
        raise Conflict(
            "This very request is being answered already. Wait for it.",
            code=Code.IDEMPOTENCY_IN_PROGRESS,
        )
    earlier = _read(kept)
    if earlier.fingerprint not in (None, body):
        raise BadInput(
            "The Idempotency-Key was used for a request with another body. Send this one under another key.",
            code=Code.IDEMPOTENCY_KEY_REUSED,
        )
    if memory.is_gone(earlier.subject):
        raise Gone(
            "What this request made when it came first has been deleted since. To have it made again, send it"
            " anew: under another Idempotency-Key, where it has one.",
            code=Code.DELETED_SINCE,
        )
    if earlier.status is None:
        raise _unreadable("there is no status")
    headers = {name: earlier.headers[name] for name in _HEADERS if name in earlier.headers}
    response = Response(earlier.body, earlier.status, headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _read(kept: str) -> Kept:
    """What was kept. Raises Unreadable."""
    try:
        return Kept.model_validate_json(kept)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _unreadable(f"{'.'.join(map(str, first['loc']))}: {fault_of(first)}") from None


def _unreadable(reason: str) -> Unreadable:
    UNREADABLE_RECORDS.labels("response").inc()
    _log.error("A response that is kept under an Idempotency-Key cannot be read: %s", reason)
    return Unreadable("the response under this Idempotency-Key")


def _remember(keeping: Keeping, response: Response) -> Response:
    digest, body = g.pop("idempotency", (None, None))
    if digest is None:
        return response
    try:
        if response.status_code >= HTTPStatus.BAD_REQUEST or response.mimetype == EVENTS:
            keeping.memory.forget(digest)
        else:
            subject = g.get("spoken_of") or Subject(batch_id=(request.view_args or {}).get("batch_id"))
            text = _as_text(response, body, subject)
            keeping.memory.keep(digest, text, keeping.seconds, keeping.bytes, subject)
    except redis.RedisError as error:
        _log.warning("A response could not be remembered under its Idempotency-Key: %s", error)
    return response


def _as_text(response: Response, body: str, subject: Subject) -> str:
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    text = response.get_data(as_text=True)
    kept = Kept(status=response.status_code, headers=headers, body=text, fingerprint=body, subject=subject)
    return kept.model_dump_json()


def _digest(identity: str, key: str) -> str:
    asked = json.dumps([identity, request.method, request.full_path, key])
    return hashlib.sha256(asked.encode()).hexdigest()
