"""Many things some at a time. Imports nothing of ours."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


def chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The items in their order, `size` at a time, each list taken when it is asked for."""
    rest = iter(items)
    while chunk := [*islice(rest, size)]:
        yield chunk
