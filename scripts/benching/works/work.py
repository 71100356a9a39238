"""What a work is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.benching.found import Found
from scripts.benching.options import Options


@dataclass(frozen=True)
class Work:
    """One thing to be measured, alone on the machine."""

    title: str
    #: What it runs with, a sentence or two for the page.
    settings: str
    measure: Callable[[Options], Iterator[Found]]
