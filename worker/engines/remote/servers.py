"""Which server is asked next, and which are away.

line ──► the first in it ──► of the servers that are there and admit it, the one with the fewest requests
                                  │ fails
                                  └──► away: looked at until it is back, and nothing is asked there
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from worker.engines.company import Company
from worker.engines.remote.errors import ServerError, Shut
from worker.engines.remote.server import Server

logger = logging.getLogger(__name__)

#: What everybody hears while no server is there.
AWAY = "The server that answers for this model is away."
SHUT = "The server that answers for this model does not let its worker in."


class AllAway(Exception):
    """Raised when there is no server to ask."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a request stands in the line."""

    company: Company
    is_interactive: bool


class Servers:
    """The servers of one model, which they call `model`; used in one event loop.

    One that is away is looked at every `look_s` seconds.
    """

    def __init__(self, servers: Sequence[Server], model: str, look_s: float) -> None:
        self._servers, self._model, self._look_s = servers, model, look_s
        self._line: list[Place] = []
        self._change = asyncio.Event()
        self._looks: set[asyncio.Task[None]] = set()

    @property
    def trouble(self) -> str:
        """Why no server can be asked; empty where one can. May be called from any thread."""
        troubles = [server.trouble for server in self._servers]
        return troubles[0] if all(troubles) else ""

    async def turn(self, company: Company, *, is_interactive: bool) -> Server:
        """Wait for a server that a job of `company` may go to now, and is not put off by; raises AllAway.

        Jobs go in the order they come, single questions first. So one that has to be without others gets its
        turn, as the first in line behind which all wait.
        """
        place = self._join(company, is_interactive=is_interactive)
        try:
            while (server := self._for(place)) is None:
                await self._wait()
            server.enter(company)
            return server
        finally:
            self._line.remove(place)
            self._tell()

    def left(self, server: Server) -> None:
        """Note that a request is there no more, for which `turn` has found the server."""
        server.in_flight -= 1
        self._tell()

    def leave(self, server: Server, error: ServerError) -> None:
        """Ask nothing of a server until it is back."""
        if server.trouble:
            return
        server.trouble = SHUT if isinstance(error, Shut) else AWAY
        if isinstance(error, Shut):
            logger.error("The server at %s takes nothing of ours (%s): %s.", server.name, error, error.remedy)
        else:
            logger.warning("The server at %s is away (%s): nothing is asked there.", server.name, error)
        self._tell()
        look = asyncio.get_running_loop().create_task(self._look_until_back(server))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    def _tell(self) -> None:
        """Let those in the line look again."""
        self._change.set()
        self._change = asyncio.Event()

    def _join(self, company: Company, *, is_interactive: bool) -> Place:
        place = Place(company, is_interactive)
        ahead = sum(one.is_interactive for one in self._line) if is_interactive else len(self._line)
        self._line.insert(ahead, place)
        return place

    def _for(self, place: Place) -> Server | None:
        """The server that the first in line may go to; None while it has to wait."""
        there = [server for server in self._servers if not server.trouble]
        if not there:
            raise AllAway(self.trouble)
        if self._line[0] is not place:
            return None
        free = [server for server in there if not server.rest_s and server.admits(place.company)]
        return min(free, key=lambda server: server.in_flight, default=None)

    async def _wait(self) -> None:
        """Wait for a change, or until one that has put us off may be asked again."""
        rests = [rest for server in self._servers if (rest := server.rest_s)]
        try:
            async with asyncio.timeout(min(rests, default=None)):
                await self._change.wait()
        except TimeoutError:
            return

    async def _look_until_back(self, server: Server) -> None:
        while server.trouble:
            await asyncio.sleep(self._look_s)
            try:
                listed = await server.models()
            except ServerError as error:
                logger.debug("The server at %s is still away: %s", server.name, error)
                continue
            if self._model in (model.get("id") for model in listed):
                server.trouble = ""
        logger.info("The server at %s is back.", server.name)
        self._tell()
