"""How much is measured."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    """A run: whole, or a miniature that only shows that everything still works."""

    rounds: int = 5
    is_small: bool = False
    #: A folder for the environments of peers, which are kept.
    environments: Path = ROOT / ".venv-peers"

    @property
    def first_round(self) -> int:
        """The number of the first round: one before 0 only warms up, and is left out of a miniature."""
        return self.of(-1, 0)

    def of(self, whole: int, small: int) -> int:
        """The first of these numbers, or in a miniature the second."""
        return small if self.is_small else whole
