"""What a program gives to the client, as what it means: one thing for a list of one, a text for a path."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from eva01.client.address import Address, is_address


def listed(given: Any) -> list[Any]:
    """A list of what was given; what is one thing by itself, as a text is, makes a list of one.

    >>> listed("total:number"), listed(("a", "b")), listed({"name": "total"})
    (['total:number'], ['a', 'b'], [{'name': 'total'}])
    """
    is_one = isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable)
    return [given] if is_one else [*given]


def input_of(given: object) -> Path | Address:
    """Where something to send is; raises TypeError for what says nothing of the kind."""
    if isinstance(given, str) and is_address(given):
        return Address(given)
    if isinstance(given, str | PathLike):
        return Path(given)
    if isinstance(given, Address):
        return given
    raise TypeError(f"{given!r} is neither a path nor the address of an image.")
