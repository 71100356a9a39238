"""The tickets that slots work on: this worker's, also when the connection that brought them is lost."""

from collections.abc import Iterator
from contextlib import contextmanager


class InHand:
    """The numbers of the tickets in slots; safe to use from many threads."""

    def __init__(self) -> None:
        self._numbers: set[str] = set()

    @contextmanager
    def holding(self, number: str) -> Iterator[None]:
        """Note that a slot works on a ticket as long as this lasts."""
        self._numbers.add(number)
        try:
            yield
        finally:
            self._numbers.discard(number)

    def numbers(self) -> list[str]:
        """Those that slots work on now."""
        return list(self._numbers)

    def let_go(self) -> None:
        """Forget all: the worker ends, and what it has not answered goes back."""
        self._numbers.clear()
