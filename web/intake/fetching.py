"""The images whose addresses a request names, fetched in turns by threads of their own.

What came of each takes the address's place among the files: an image is looked at like one that was sent, and
an address from which none came is a file that is refused. The request's own thread is free meanwhile.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, cast

from flask import Response
from werkzeug.datastructures import FileStorage

from jobs import log
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from web.access.caller import caller
from web.fetch import metrics
from web.fetch.turns import Turn
from web.fetch.url import name_of
from web.http.waiting import Waiting
from web.intake.budget import Budget
from web.intake.forms import Address, RefusedHeaders
from web.intake.spool import Part, Spool, check_room, spooled_request
from web.services import Services

#: Seconds between two looks while web stops.
_STOPPING_LOOK_S = 0.1


def after_fetching(
    serving: Services,
    files: Sequence[FileStorage],
    check: Callable[[], object],
    go_on: Callable[[list[FileStorage]], Response],
) -> Response:
    """What `go_on` makes of the files of the current request, each address replaced by what came of it.

    `check` is called before anything is fetched, and raises what `go_on` would raise. Raises Overloaded when
    too much of the caller's owner waits to be fetched.
    """
    addresses = [file for file in files if isinstance(file, Address)]
    if not addresses:
        return go_on([*files])
    try:
        serving.fetcher.check_is_on()
    except BadInput as error:
        return go_on([_refused(file, error) if isinstance(file, Address) else file for file in files])
    check()
    fetching = Fetching(serving, caller().owner, addresses)
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
    """Images that are being fetched for an owner, until EVA01_FETCH_REQUEST_S are over.

    `over` is called when the last of them has been.
    """

    def __init__(
        self,
        serving: Services,
        owner: str | None,
        addresses: Sequence[Address],
        over: Callable[[], object] | None = None,
    ) -> None:
        self._serving, self._turns = serving, serving.fetcher.turns
        self._texts = [address.text for address in addresses]
        self._addresses = addresses
        self._came: list[FileStorage | None] = [None] * len(addresses)
        self._until_s = time.monotonic() + serving.web.fetch_request_s
        self._lock = threading.Lock()
        #: Those that nobody writes to just now.
        self._spools: list[Spool] = []
        self._is_closed = False
        self._budget = Budget()
        #: What lines of the log say of the request.
        self._said = log.context()
        #: Bytes of all that came.
        self.size_bytes = 0
        works = [partial(self._fetch, place) for place in range(len(addresses))]
        self._line = self._turns.join(owner, works, over)

    @property
    def is_over(self) -> bool:
        """True when nothing is being fetched any more."""
        if time.monotonic() > self._until_s or self._serving.stopping.is_set():
            self._turns.leave(self._line)
        return self._line.is_over

    def wait(self, seconds: float) -> None:
        """Wait until nothing is being fetched any more, so long at most."""
        self._turns.wait(self._line, seconds)

    def files(self) -> list[FileStorage]:
        """What came of each address.

        Raises NoRoom when nothing could be kept, and TooLarge (`request_too_large`, `request_too_costly`).
        """
        self._turns.wait(self._line, 0)
        return [came or self._late(place) for place, came in enumerate(self._came)]

    def close(self) -> None:
        """Let all that came vanish, and fetch no more; what is written just now goes with its own thread."""
        self._turns.leave(self._line)
        with self._lock:
            self._is_closed = True
            spools, self._spools = self._spools, []
        for spool in spools:
            spool.close()

    def _fetch(self, place: int, turn: Turn) -> None:
        if self._is_closed or self._serving.stopping.is_set():
            return
        folder, min_free_bytes = self._serving.spool_folder, self._serving.limits.min_free_bytes
        check_room(folder, min_free_bytes)
        with self._lock:
            spool = self._spools.pop() if self._spools else None
        spool = spool or Spool(folder, min_free_bytes)
        try:
            with log.within(self._said):
                self._came[place] = self._fetched(place, spool.new_part(), turn)
        finally:
            self._hand_over(spool)

    def _hand_over(self, spool: Spool) -> None:
        with self._lock:
            if not self._is_closed:
                self._spools.append(spool)
                return
        spool.close()

    def _fetched(self, place: int, part: Part, turn: Turn) -> FileStorage:
        def write(piece: bytes) -> None:
            self._count(len(piece))
            part.write(piece)

        text = self._texts[place]
        try:
            self._serving.fetcher.fetch(text, write, turn, self._left_s)
        except BadInput as error:
            return _refused(self._addresses[place], error)
        part.seek(0)
        return Address(cast(IO[bytes], part), name_of(text))

    def _left_s(self) -> float:
        """Seconds that the request has; none when nobody waits for it any more.

        Raises TooLarge (`request_too_costly`) when its time of CPU is spent.
        """
        self._budget.check(self.size_bytes, self._serving.limits)
        return 0.0 if self._is_closed else self._until_s - time.monotonic()

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

    def _late(self, place: int) -> FileStorage:
        metrics.count(Code.FETCH_TOO_SLOW)
        return _refused(
            self._addresses[place],
            BadInput(
                "The images before this one took all the time that those of a request have"
                " (EVA01_FETCH_REQUEST_S). Send its address in another request.",
                code=Code.FETCH_TOO_SLOW,
            ),
        )


def _refused(address: Address, error: BadInput) -> Address:
    """What stands in the place of an address from which no image came."""
    return Address(address.stream, name_of(address.text), headers=RefusedHeaders(error))
