"""The images whose addresses a request names, fetched some at a time in threads of their own.

What came of each takes the address's place among the files: an image is looked at like one that was sent, and
an address from which none came is a file that is refused. The request's own thread is free meanwhile.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from typing import IO, cast

from flask import Response
from werkzeug.datastructures import FileStorage

from jobs import log
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from web.fetch.url import name_of
from web.http.waiting import Waiting
from web.intake.forms import Address, RefusedHeaders
from web.intake.spool import Part, Spool, check_room, spooled_request
from web.services import Services

#: One request's share of the images that are fetched at the same time.
_SHARE = 4
#: Seconds between two looks while web stops.
_STOPPING_LOOK_S = 0.1


def after_fetching(
    serving: Services,
    files: Sequence[FileStorage],
    check: Callable[[], object],
    go_on: Callable[[list[FileStorage]], Response],
) -> Response:
    """What `go_on` makes of the files of the current request, each address replaced by what came of it.

    `check` is called before anything is fetched, and raises what `go_on` would raise.
    """
    addresses = [file for file in files if isinstance(file, Address)]
    if not addresses:
        return go_on([*files])
    check()
    fetching = Fetching(serving, addresses)
    request = spooled_request()
    request.hold(fetching)

    def look() -> Response | None:
        if serving.stopping.is_set():
            # Nobody pauses between two looks any more.
            fetching.wait(_STOPPING_LOOK_S)
        if not fetching.is_over:
            return None
        request.begin_budget()
        came = iter(fetching.files())
        return go_on([next(came) if isinstance(file, Address) else file for file in files])

    return Waiting(look, serving.stopping, request.resume)


class Fetching:
    """Images that are being fetched, until EVA01_FETCH_REQUEST_S are over."""

    def __init__(self, serving: Services, addresses: Sequence[Address]) -> None:
        self._serving = serving
        self._texts = [address.text for address in addresses]
        self._addresses = addresses
        self._came: list[FileStorage | None] = [None] * len(addresses)
        self._left = deque(range(len(addresses)))
        self._until_s = time.monotonic() + serving.web.fetch_request_s
        self._lock = threading.Lock()
        self._spools: list[Spool] = []
        self._is_closed = False
        #: What lines of the log say of the request.
        self._said = log.context()
        #: Bytes of all that came.
        self.size_bytes = 0
        at_a_time = min(len(addresses), max(1, serving.web.fetch_at_a_time // _SHARE))
        self._turns = [serving.fetcher.start(self._work) for _ in range(at_a_time)]

    @property
    def is_over(self) -> bool:
        """True when nothing is being fetched any more."""
        if time.monotonic() > self._until_s:
            for turn in self._turns:
                turn.cancel()
        return all(turn.done() for turn in self._turns)

    def wait(self, seconds: float) -> None:
        """Wait until nothing is being fetched any more, so long at most."""
        wait(self._turns, seconds)

    def files(self) -> list[FileStorage]:
        """What came of each address; raises NoRoom when nothing could be kept."""
        for turn in self._turns:
            if not turn.cancelled():
                turn.result()
        return [came or self._refused(place, _late()) for place, came in enumerate(self._came)]

    def close(self) -> None:
        """Let all that came vanish, and fetch no more; what is written just now goes with its own thread."""
        with self._lock:
            self._is_closed = True
            spools, self._spools = self._spools, []
        for spool in spools:
            spool.close()

    def _work(self) -> None:
        """Fetch one after the other into a spool of one's own, while there are any."""
        folder, min_free_bytes = self._serving.spool_folder, self._serving.limits.min_free_bytes
        spool = Spool(folder, min_free_bytes)
        try:
            with log.within(self._said):
                while (place := self._next()) is not None:
                    check_room(folder, min_free_bytes)
                    self._came[place] = self._fetched(place, spool.new_part())
        finally:
            self._hand_over(spool)

    def _next(self) -> int | None:
        with self._lock:
            is_over = self._is_closed or time.monotonic() > self._until_s or self._serving.stopping.is_set()
            return self._left.popleft() if self._left and not is_over else None

    def _hand_over(self, spool: Spool) -> None:
        with self._lock:
            if not self._is_closed:
                self._spools.append(spool)
                return
        spool.close()

    def _fetched(self, place: int, part: Part) -> FileStorage:
        def write(piece: bytes) -> None:
            self._count(len(piece))
            part.write(piece)

        text = self._texts[place]
        try:
            self._serving.fetcher.fetch(text, write, self._until_s - time.monotonic())
        except BadInput as error:
            return self._refused(place, error)
        part.seek(0)
        return Address(cast(IO[bytes], part), name_of(text))

    def _count(self, size_bytes: int) -> None:
        """Raises TooLarge when all together are more than a request may have."""
        most_bytes = self._serving.limits.max_request_bytes
        with self._lock:
            self.size_bytes += size_bytes
            if self.size_bytes > most_bytes:
                raise TooLarge(
                    f"With this image those of the request have more than {most_bytes:,} bytes"
                    " (EVA01_MAX_REQUEST_BYTES). Send its address in another request.",
                    code=Code.REQUEST_TOO_LARGE,
                )

    def _refused(self, place: int, error: BadInput) -> FileStorage:
        address = self._addresses[place]
        return Address(address.stream, name_of(self._texts[place]), headers=RefusedHeaders(error))


def _late() -> BadInput:
    return BadInput(
        "The images before this one took all the time that those of a request have (EVA01_FETCH_REQUEST_S)."
        " Send its address in another request.",
        code=Code.FETCH_TOO_SLOW,
    )
