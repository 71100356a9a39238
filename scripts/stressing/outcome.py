"""What became of one question, and of all of them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from eva01.cli.tables import say
from eva01.cli.text import harmless

#: Bars of the histogram, and the characters of its longest.
_BARS, _LONGEST_BAR = 12, 40
#: The percentiles that are shown.
PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Outcome:
    """One question, from its first sending to its answer; including the pauses that the server asked for."""

    #: Seconds after the first question of the run.
    began_s: float
    took_s: float
    #: Why it has no answer; empty when it has one.
    failure: str = ""
    #: How often it was turned away with 429 before it was accepted.
    refusals: int = 0


@dataclass(frozen=True)
class Report:
    """A whole run, which took `took_s`."""

    outcomes: Sequence[Outcome]
    took_s: float

    @property
    def answered(self) -> list[Outcome]:
        """Those with an answer."""
        return [outcome for outcome in self.outcomes if not outcome.failure]

    @property
    def success(self) -> float:
        """The share that was answered (0 to 1); 0 when nothing was asked."""
        return len(self.answered) / len(self.outcomes) if self.outcomes else 0.0

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.answered) / self.took_s if self.took_s else 0.0

    def latency_s(self, share: float) -> float:
        """The time within which this share of the answers came; 0 without answers.

        >>> Report([Outcome(0, took_s) for took_s in (1, 2, 3, 10)], 10).latency_s(0.5)
        2
        """
        ordered = sorted(outcome.took_s for outcome in self.answered)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0

    def show(self, console: Console) -> None:
        """Print it."""
        answered, asked = len(self.answered), len(self.outcomes)
        say(console, f"{answered:,} of {asked:,} answered ({self.success:.1%}) in {self.took_s:.1f} s.")
        if answered:
            shown = [f"p{share * 100:.0f} {self.latency_s(share):.2f} s" for share in PERCENTILES]
            shown.append(f"max {self.latency_s(1):.2f} s")
            say(console, f"{self.per_s:.2f} answers/s. Latency: {', '.join(shown)}.")
            self._show_histogram(console)
        if refusals := sum(outcome.refusals for outcome in self.outcomes):
            say(console, f"Turned away with 429, and sent again when the server said so: {refusals:,} times.")
        for failure, count in Counter(one.failure for one in self.outcomes if one.failure).most_common():
            say(console, f"Without an answer, {harmless(failure)}: {count:,}")

    def _show_histogram(self, console: Console) -> None:
        width_s = self.latency_s(1) / _BARS or 1.0
        bars = Counter(min(int(outcome.took_s / width_s), _BARS - 1) for outcome in self.answered)
        for bar in range(_BARS):
            marks = "█" * math.ceil(_LONGEST_BAR * bars[bar] / max(bars.values()))
            say(console, f"  up to {(bar + 1) * width_s:7.2f} s {bars[bar]:7,} {marks}")
