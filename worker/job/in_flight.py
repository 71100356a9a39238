"""What several slots need at the same time is made once.

    first ──► makes it ──┐
    second ──► waits ────┴─► all hold it, or have its error ──► the last lets go: it is forgotten

Nothing is kept beyond that, so there is never more of it than there are slots.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Held(Generic[_T]):
    """Something that others may hold as well: it is not to be changed."""

    value: _T
    #: True for one of those who hold it.
    is_maker: bool


@dataclass(eq=False)
class _Shared(Generic[_T]):
    value: "Future[_T]" = field(default_factory=Future)
    holders: int = 0


class InFlight(Generic[_T]):
    """Things that are in somebody's hands at the moment, by key; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[str, _Shared[_T]] = {}

    @contextmanager
    def hold(self, key: str, make: Callable[[], _T]) -> Iterator[Held[_T]]:
        """Hold what is called `key`; who comes first makes it, and the others wait for that.

        Raises what `make` raises, to all who wait; who comes after that tries anew.
        """
        shared, is_maker = self._join(key)
        try:
            if is_maker:
                self._make(key, shared, make)
            yield Held(shared.value.result(), is_maker)
        finally:
            self._leave(key, shared)

    def _join(self, key: str) -> tuple[_Shared[_T], bool]:
        with self._lock:
            shared = self._shared.setdefault(key, _Shared())
            shared.holders += 1
            return shared, shared.holders == 1

    def _make(self, key: str, shared: _Shared[_T], make: Callable[[], _T]) -> None:
        try:
            shared.value.set_result(make())
        except BaseException as error:
            # Forgotten before it is told: it may have been the moment's fault.
            with self._lock:
                del self._shared[key]
            shared.value.set_exception(error)

    def _leave(self, key: str, shared: _Shared[_T]) -> None:
        with self._lock:
            shared.holders -= 1
            if not shared.holders and self._shared.get(key) is shared:
                del self._shared[key]
