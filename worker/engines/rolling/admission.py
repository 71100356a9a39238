"""Which request is next, and whether the cache has room for it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from worker.engines.company import Company
from worker.engines.rolling.flight import Flight
from worker.engines.rolling.pool import BLOCK_TOKENS, blocks_for
from worker.engines.rolling.rows import Request


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

    def first(self) -> Request | None:
        """The next; None when nothing waits."""
        return min(self._line, key=_turn, default=None)


def _turn(request: Request) -> tuple[bool, bool]:
    """What comes before what."""
    return request.company is not Company.SUSPECTS, not request.is_interactive


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

        Room is needed for its prompt, and for a block more for each, since all go on.
        """
        rows = flight.rows
        if not rows:
            return True
        if not rows[0].request.company.admits(request.company):
            return False
        return flight.held_blocks + blocks_for(request.length) + len(rows) + 1 <= self.blocks

    def halve(self, held_blocks: int) -> None:
        """Plan with half of what did not fit, or half of the budget if that is less."""
        self.tokens = max(1, min(self.tokens, held_blocks * BLOCK_TOKENS) // 2)


def vision_pass(first: Sequence[Request], others: Iterable[Request], most_tokens: int) -> list[Request]:
    """Fill one vision pass: those of `first` whose image is not seen yet, then others up to `most_tokens`.

    Others are seen before they have a row, because images cost less together. A single question does not
    wait for that, and each is seen with its company alone.
    """
    pack = [request for request in first if request.prompt is None]
    if not pack or any(request.is_interactive for request in pack):
        return pack
    company = pack[0].company
    tokens = sum(request.length for request in pack)
    for request in others:
        if request.prompt is not None or not company.admits(request.company):
            continue
        tokens += request.length
        if tokens > most_tokens:
            break
        pack.append(request)
    return pack
