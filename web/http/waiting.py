"""A response that is not known yet: it is looked for again and again, and holds no thread in between.

The server is told so by an empty string before the response has begun; it pauses, and asks for the next.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from flask import Flask, Response, current_app, request, stream_with_context

from web.http.bell import Bell

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: In the environment of a request whose server pauses when it gets an empty string instead of a response.
PAUSES = "eva01.pauses"
#: Set there to True while something is to be done when whoever asks is gone.
MAY_BE_LEFT = "eva01.may_be_left"
#: Set there to the Live whose bell says when to look again, before the response and while it goes on.
LIVE = "eva01.live"
#: The status of what was left before there was a response, which nobody gets; nginx calls it so, too.
LEFT = 499
#: Seconds between two looks where the server does not pause by itself.
_LOOK_S = 0.1


class Live(Protocol):
    """What a response waits for that comes by itself, and goes on coming while it is sent.

    An empty string in the midst of such a response says that there is nothing more so far.
    """

    @property
    def bell(self) -> Bell:
        """Rings when there is more."""

    def plan_look(self) -> bool:
        """Decide what the next look does; True when it waits for nothing, and needs no thread."""


def wait_for(live: Live) -> Iterator[bytes]:
    """What a response gives while there is nothing more to say: the server pauses, or else this thread."""
    if PAUSES in request.environ:
        yield b""
    else:
        live.bell.wait(_LOOK_S)
        live.plan_look()


class Waiting(Response):
    """What a handler gives while there is nothing to answer: `look` finds the response, or None so far.

    Once it is there, it is treated like any other: after-request functions see it, and never this one.
    Where the server does not pause, looking ends when `stopping` is set as well as `look` does. `begin` is
    called before the first look; without one, the files that were sent are let go of then. `left` is called
    when whoever asks is gone before there was a response, where the server notices that. Where there is
    a `live`, its bell says when to look.
    """

    def __init__(
        self,
        look: Callable[[], Response | None],
        stopping: threading.Event,
        begin: Callable[[], None] | None = None,
        left: Callable[[], None] | None = None,
        live: Live | None = None,
    ) -> None:
        super().__init__()
        self._look, self._stopping, self._left, self._live = look, stopping, left, live
        # What was sent has been read; its files need not lie there meanwhile.
        self._begin = begin or request.close

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The response, as soon as there is one."""
        environ[MAY_BE_LEFT] = self._left is not None
        environ[LIVE] = self._live
        return stream_with_context(self._answered(environ, start_response))

    def _answered(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
        self._begin()
        try:
            while (response := self._found()) is None:
                if self._live:
                    yield from wait_for(self._live)
                elif PAUSES in environ:
                    yield b""
                else:
                    self._stopping.wait(_LOOK_S)
        except GeneratorExit:
            if self._left:
                self._left()
                # Nobody sees it; what counts answers, or keeps them, has to know that there is none.
                current_app.process_response(Response(status=LEFT))
            raise
        try:
            yield from response(environ, start_response)
        finally:
            response.close()

    def _found(self) -> Response | None:
        app = current_app
        try:
            found = self._look()
        except Exception as error:
            return app.finalize_request(app.handle_user_exception(error))
        return found and app.finalize_request(found)


def register_waiting(app: Flask) -> None:
    """Have `app` call its after-request functions for what Waiting finds, and not for a Waiting."""
    process = app.process_response

    def process_response(response: Response) -> Response:
        return response if isinstance(response, Waiting) else process(response)

    app.process_response = process_response  # type: ignore[method-assign]
