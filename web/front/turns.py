"""Whose next step has a thread: who asks much waits for themselves, and others for one step of each.

A free thread goes to whoever waits, in turns, whatever the number of their requests. Who asks is told by what
a request shows, before it is known whether that opens anything: its key, its session, or else its address.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

#: What of a request says who asks, the first that is there.
_SHOWN = ("HTTP_AUTHORIZATION", "HTTP_COOKIE", "REMOTE_ADDR")


def asked_by(environ: Mapping[str, object]) -> str:
    """Who asks, as far as threads go."""
    return next((str(environ[name]) for name in _SHOWN if environ.get(name)), "")


class Turns:
    """So many may be at work at once; made and used in one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        #: Those for whom there is no place yet: who had a turn longest ago, and of each the first to come.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        await self._wait(who)
        try:
            yield
        finally:
            self._give_on()

    async def _wait(self, who: str) -> None:
        if self._free:
            self._free -= 1
            return
        given = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(given)
        try:
            await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self._give_on()
            raise

    def _give_on(self) -> None:
        while self._waiting:
            who = next(iter(self._waiting))
            line = self._waiting.pop(who)
            given = line.popleft()
            if line:
                # Behind all others.
                self._waiting[who] = line
            if not given.cancelled():
                given.set_result(None)
                return
        self._free += 1
