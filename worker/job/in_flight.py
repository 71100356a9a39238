"""Make once what several slots need at the same time.

    first ──► makes it ──┐
    second ──► waits ────┴─► all hold it, or raise its error ──► the last lets go: it is dropped

Nothing is kept after that, so there are never more values than slots.
"""

import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Held(Generic[_T]):
    """A value that other threads may hold as well, so it must not be changed."""

    value: _T
    #: True for the thread that created the value.
    is_maker: bool


@dataclass(eq=False)
class _Shared(Generic[_T]):
    value: "Future[_T]" = field(default_factory=Future)
    holders: int = 0


class InFlight(Generic[_T]):
    """Values that threads hold at the moment, by key; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[Hashable, _Shared[_T]] = {}

    @contextmanager
    def hold(
        self, key: Hashable, make: Callable[[], _T], *, own: tuple[type[BaseException], ...] = ()
    ) -> Iterator[Held[_T]]:
        """Hold the value of `key`; the first holder makes it, and the others wait for that.

        Raises what `make` raises, in all threads that wait for it; the next call makes it anew. An error
        that is the maker's `own`, such as that nobody wants its answer any more, is raised there alone: the
        next of those who wait makes the value.
        """
        while True:
            shared, is_maker = self._join(key)
            try:
                if is_maker:
                    self._make(key, shared, make)
                elif isinstance(shared.value.exception(), own):
                    continue
                yield Held(shared.value.result(), is_maker)
                return
            finally:
                self._leave(key, shared)

    def _join(self, key: Hashable) -> tuple[_Shared[_T], bool]:
        with self._lock:
            shared = self._shared.setdefault(key, _Shared())
            shared.holders += 1
            return shared, shared.holders == 1

    def _make(self, key: Hashable, shared: _Shared[_T], make: Callable[[], _T]) -> None:
        try:
            shared.value.set_result(make())
        except BaseException as error:
            # Dropped before others are told, so that the next call tries again: the cause may have passed.
            with self._lock:
                del self._shared[key]
            shared.value.set_exception(error)

    def _leave(self, key: Hashable, shared: _Shared[_T]) -> None:
        with self._lock:
            shared.holders -= 1
            if not shared.holders and self._shared.get(key) is shared:
                del self._shared[key]
