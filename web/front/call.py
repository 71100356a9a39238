"""One call of the WSGI app, step by step: between two steps it holds no thread."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask
from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.message import Request
from gunicorn.http.wsgi import create

from web.access.gate import lets_in
from web.front.body import Body
from web.front.turns import asked_by
from web.http.waiting import LIVE, MAY_BE_LEFT, PAUSES, Live

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: A step ends when it has made so many bytes of the response, or has taken so many seconds and made some.
_STEP_BYTES, _STEP_S = 64 * 1024, 0.05
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Call:
    """A request on its way through `app`, and the response that comes of it, framed by gunicorn.

    Steps are made one after the other, each in any thread; all are in one context, as generators want it.
    """

    def __init__(
        self, app: "WSGIApplication", request: Request, addresses: tuple[Any, Any], body: Body, config: Config
    ) -> None:
        self.app, self._request, self.body = app, request, body
        self._made = _Made()
        self._response, self._environ = create(request, self._made, *addresses, config)
        #: What a sender waits for before it sends the body, if it does.
        self.interim = self._made.take()
        # What gunicorn leaves to its workers, and what is not to be reached from the app.
        self._environ |= {"wsgi.input": body, "wsgi.multithread": True, PAUSES: True}
        del self._environ["gunicorn.socket"]
        self._context = copy_context()
        self._pieces: Iterable[bytes] | None = None
        self._left: Iterator[bytes] = iter(())
        #: True once some of the response was given.
        self.has_begun = False
        #: True once nothing is left to give, or to let go of.
        self.is_over = False
        #: True when the app has nothing to say yet, and wants to be asked again.
        self.is_waiting = False

    @property
    def path(self) -> str:
        """Of what is asked for."""
        return str(self._request.path)

    @property
    def asked_by(self) -> str:
        """Whose turn its steps take."""
        return asked_by(self._environ)

    @property
    def content_type(self) -> str:
        """Of the body."""
        return str(self._environ.get("CONTENT_TYPE", ""))

    @property
    def length(self) -> int | None:
        """How many bytes the body has; None when it says so in its chunks."""
        reader = self._request.body.reader
        return None if isinstance(reader, ChunkedReader) else int(reader.length)

    def is_let_in(self) -> bool:
        """True when the app would read the body, by what the head says."""
        if not isinstance(self.app, Flask):
            return False
        return self._context.run(lets_in, self.app, self._environ)

    @property
    def may_be_left(self) -> bool:
        """True when the app wants to know if whoever asks is gone before it has begun to answer."""
        return bool(self._environ.get(MAY_BE_LEFT))

    @property
    def live(self) -> Live | None:
        """What says when to ask the app again; None where it does not say."""
        live: Live | None = self._environ.get(LIVE)
        return live

    def plan_step(self) -> bool:
        """Decide what the next step does; True when it waits for nothing."""
        return self.live is not None and self.live.plan_look() and self.has_begun

    @property
    def ends_connection(self) -> bool:
        """True when no further request is to be read after this one."""
        return bool(self._response.should_close()) or self._is_short

    def end_connection(self) -> None:
        """Let the connection end with the response."""
        self._response.force_close()

    def begin(self) -> None:
        """Let the body be read: it is all there, so that chunks have a length, too."""
        self.body.rewind()
        if self.length is None:
            self._environ["CONTENT_LENGTH"] = str(self.body.size_bytes)
            del self._environ["HTTP_TRANSFER_ENCODING"]

    def step(self) -> bytes:
        """Go on; gives the next bytes of the response, of any number.

        Raises whatever the app raises.
        """
        return self._context.run(self._step)

    def say(self, say: Callable[[str], None], sentence: str) -> None:
        """Say a sentence in the log as one about this request."""
        self._context.run(say, sentence)

    def close(self) -> None:
        """Let go of the body, and of what the app may hold for the rest of the response."""
        self._context.run(self._close)

    def _step(self) -> bytes:
        until_s = time.monotonic() + _STEP_S
        if self._pieces is None:
            self._pieces = self.app(self._environ, self._response.start_response)
            self._left = iter(self._pieces)
        self.is_waiting = False
        while self._made.size_bytes < _STEP_BYTES and not (
            self._made.size_bytes and time.monotonic() > until_s
        ):
            piece = next(self._left, None)
            if piece is None:
                self._response.close()
                self._close()
                break
            if self._response.status is None or (self.live and not piece):
                self.is_waiting = True
                self.body.close()
                break
            self._response.write(piece)
        self.has_begun = self.has_begun or bool(self._made.size_bytes)
        return self._made.take()

    def _close(self) -> None:
        self.is_over = True
        self.body.close()
        pieces, self._pieces, self._left = self._pieces, (), iter(())
        if close := getattr(pieces, "close", None):
            close()

    @property
    def _is_short(self) -> bool:
        """True when the response has fewer bytes than it said."""
        has_body = self._request.method != "HEAD" and self._response.status_code not in _WITHOUT_BODY
        return has_body and self._response.sent < (self._response.response_length or 0)


class _Made:
    """Stands where gunicorn has a socket: keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size_bytes = 0

    def sendall(self, data: bytes) -> None:
        """Append."""
        self._pieces.append(data)
        self.size_bytes += len(data)

    send = sendall

    def take(self) -> bytes:
        """All that was written since it was last taken."""
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self.size_bytes = [], 0
        return taken
