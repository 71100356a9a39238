"""Who is next, and whether it fits."""

from collections import deque
from collections.abc import Sequence

from worker.engines.rolling.rows import Request


class Waiting:
    """Requests in the order they are admitted: single questions first, then as they came."""

    def __init__(self) -> None:
        self._interactive: deque[Request] = deque()
        self._bulk: deque[Request] = deque()

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def __contains__(self, request: Request) -> bool:
        return request in self._line(request)

    def _line(self, request: Request) -> deque[Request]:
        return self._interactive if request.is_interactive else self._bulk

    def add(self, request: Request) -> None:
        """Put a request at the end of its line."""
        self._line(request).append(request)

    def put_back(self, request: Request) -> None:
        """Put a request that was given up at the front of its line."""
        self._line(request).appendleft(request)

    def remove(self, request: Request) -> None:
        """Take a request out, wherever it stands."""
        self._line(request).remove(request)

    def first(self) -> Request | None:
        """The next; None when nothing waits."""
        line = self._interactive or self._bulk
        return line[0] if line else None


class Budget:
    """How many tokens the cache may hold. It is as wide as its longest row, so rows cost that each."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def admits(self, in_flight: Sequence[Request], request: Request) -> bool:
        """True when the request fits beside the others; a request alone is always tried."""
        return not in_flight or cost((*in_flight, request)) <= self.tokens

    def halve(self, burst: Sequence[Request]) -> None:
        """Plan with half of what did not fit, or half of the budget if that is less."""
        self.tokens = max(1, min(self.tokens, cost(burst)) // 2)


def cost(requests: Sequence[Request]) -> int:
    """Tokens of cache that these need together: their count times the largest."""
    return len(requests) * max((request.reserved_tokens for request in requests), default=0)
