"""How long answering took, whoever answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Run:
    """Total seconds, and the seconds until the answer of each job."""

    seconds: float
    latencies_s: Sequence[float]

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    @property
    def p95_s(self) -> float:
        """The 95th percentile of the seconds until an answer."""
        return quantiles(self.latencies_s, n=20)[-1]
