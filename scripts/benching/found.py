"""What a work found."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import inf
from statistics import median
from typing import Any, Self

from scripts.report import Line

_BAR = re.compile(r"([≤≥]) ([\d,.]+)")


@dataclass(frozen=True)
class Found:
    """One number of a work, once a round; or the reason why there is none."""

    what: str
    rounds: Sequence[float] = ()
    #: The bar, such as `≥ 0.85`; empty for what is only told.
    wanted: str = ""
    form: str = ".2f"
    reason: str = ""

    @classmethod
    def of(cls, line: Line) -> Self:
        """From a line of the other tables."""
        what, wanted, values, form = line
        return cls(what, list(values), wanted, form)

    @property
    def median(self) -> float:
        """That of all rounds."""
        return median(self.rounds)

    @property
    def times_the_bar(self) -> Sequence[float]:
        """How far beyond its bar each round is: 1 just meets it, less misses it; empty without a bar."""
        bar = _BAR.match(self.wanted)
        if not bar:
            return []
        sense, limit = bar[1], float(bar[2].replace(",", ""))
        if sense == "≥":
            return [value / limit for value in self.rounds]
        return [limit / value if value > 0 else inf for value in self.rounds]


@dataclass(frozen=True)
class Measured:
    """A work that was run."""

    title: str
    #: What it ran with.
    settings: str
    machine: str
    seconds: float
    found: Sequence[Found]
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")

    def as_json(self) -> dict[str, Any]:
        """With the medians."""
        said = asdict(self)
        for one, found in zip(said["found"], self.found, strict=True):
            one["median"] = found.median if found.rounds else None
        return said

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        """The other way round."""
        found = [{name: value for name, value in one.items() if name != "median"} for one in said["found"]]
        return cls(**{**said, "found": [Found(**one) for one in found]})
