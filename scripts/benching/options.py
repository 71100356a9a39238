"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """A run: whole, or a miniature that only shows that everything still works."""

    rounds: int = 5
    is_small: bool = False

    def of(self, whole: int, small: int) -> int:
        """The first of these numbers, or in a miniature the second."""
        return small if self.is_small else whole
