"""Which request is next, and whether the cache has room for it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from worker.engines.company import Company
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
    """How many tokens the cache may hold; every row costs as many as the longest, to which all are padded."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def admits(self, in_flight: Sequence[Request], request: Request) -> bool:
        """True when the request fits beside the others; a request alone is always tried."""
        if not in_flight:
            return True
        if not in_flight[0].company.admits(request.company):
            return False
        return cost((*in_flight, request)) <= self.tokens

    def halve(self, burst: Sequence[Request]) -> None:
        """Plan with half of what did not fit, or half of the budget if that is less."""
        self.tokens = max(1, min(self.tokens, cost(burst)) // 2)


def cost(requests: Sequence[Request]) -> int:
    """Tokens of cache that these need together: their count times the largest."""
    return len(requests) * max((request.reserved_tokens for request in requests), default=0)


def vision_pass(first: Sequence[Request], others: Iterable[Request], most_tokens: int) -> list[Request]:
    """Fill one vision pass: those of `first` whose image is not seen yet, then others up to `most_tokens`.

    Others are seen before they have a row, because images cost less together. A single question does not
    wait for that, and each is seen with its company alone.
    """
    pack = [request for request in first if request.prompt is None]
    if not pack or any(request.is_interactive for request in pack):
        return pack
    company = pack[0].company
    tokens = sum(request.prompt_tokens for request in pack)
    for request in others:
        if request.prompt is not None or not company.admits(request.company):
            continue
        tokens += request.prompt_tokens
        if tokens > most_tokens:
            break
        pack.append(request)
    return pack
