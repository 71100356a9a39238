"""Which request is next, and whether the cache has room for it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from worker.engines.company import Company
from worker.engines.rolling.flight import Flight
from worker.engines.rolling.pool import BLOCK_TOKENS, blocks_for
from worker.engines.rolling.rows import Request, Row

#: Seconds that jobs of batches wait beside single questions, for each that reading of theirs took.
_KEPT_OFF = 5.0


class Waiting:
    """Requests in the order they are admitted: suspects first, then single questions, then as they came.

    The suspects of a lost worker come in one go. Since they go before all others, they are together on the
    device once, whatever came in between.
    """

    def __init__(self) -> None:
        self._line: deque[Request] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def __contains__(self, request: Request) -> bool:
        return request in self._line

    def __iter__(self) -> Iterator[Request]:
        return iter(sorted(self._line, key=_turn))

    def add(self, request: Request) -> None:
        """Put a request behind all of its kind."""
        self._line.append(request)

    def put_back(self, request: Request) -> None:
        """Put a request that lost its row before all of its kind."""
        self._line.appendleft(request)

    def remove(self, request: Request) -> None:
        """Take a request out, wherever it stands."""
        self._line.remove(request)


def _turn(request: Request) -> tuple[bool, bool]:
    """What comes before what."""
    return request.company is not Company.SUSPECTS, not request.is_interactive


class Courtesy:
    """How long jobs of batches wait to be read while single questions are answered.

    A turn that reads new images and prompts takes several times as long as one that only writes, and each
    token of a question waits for a turn. Beside questions, jobs of batches are read for a part of the time
    only: what reading them took, five times over, they wait before more of them are read. They are never
    kept off for good, and rows that write go on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_s = clock()

    def keeps_off(self, request: Request) -> bool:
        """True while a request does not begin beside single questions."""
        is_of_batch = not request.is_interactive and request.company is Company.INNOCENTS
        return is_of_batch and self._clock() < self._until_s

    @contextmanager
    def reading(self, rows: Iterable[Row]) -> Iterator[None]:
        """Note how long it takes to read what rows are asked, if any is of a batch."""
        began_s = self._clock()
        yield
        if not all(row.request.is_interactive for row in rows):
            now_s = self._clock()
            self._until_s = now_s + _KEPT_OFF * (now_s - began_s)


class Budget:
    """How many tokens the cache may hold."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    @property
    def blocks(self) -> int:
        """The same in blocks."""
        return max(1, self.tokens // BLOCK_TOKENS)

    def admits(self, flight: Flight, request: Request) -> bool:
        """True when the request fits beside those in flight; a request alone is always tried.

        Room is needed for what no row in flight holds of its prompt, and for a block more for each, since
        all go on.
        """
        rows = flight.rows
        if not rows:
            return True
        if not rows[0].request.company.admits(request.company):
            return False
        shared = sum(map(flight.prefixes.is_held, flight.found(request).blocks))
        return flight.held_blocks + blocks_for(request.length) - shared + len(rows) + 1 <= self.blocks

    def halve(self, held_blocks: int) -> None:
        """Plan with half of what did not fit, or half of the budget if that is less."""
        self.tokens = max(1, min(self.tokens, held_blocks * BLOCK_TOKENS) // 2)


def vision_pass(first: Sequence[Request], others: Iterable[Request], most_tokens: int) -> list[Request]:
    """Fill one vision pass: those of `first` whose image is not seen yet, then others up to `most_tokens`.

    Others are seen before they have a row, because images cost less together. A single question does not
    wait for that, and each is seen with its company alone. Who begins as one that is seen now needs nothing.
    """
    pack = [request for request in first if request.prompt is None]
    if not pack or any(request.is_interactive for request in pack):
        return pack
    company = pack[0].company
    tokens = sum(request.length - request.cached for request in pack)
    seen = {sight.key for request in pack for sight in request.prefix.sights}
    for request in others:
        if request.prompt is not None or not company.admits(request.company):
            continue
        own = {sight.key for sight in request.prefix.sights}
        if seen & own:
            continue
        seen |= own
        tokens += request.length
        if tokens > most_tokens:
            break
        pack.append(request)
    return pack
