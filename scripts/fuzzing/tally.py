"""What became of all files that came by one door."""

from collections import Counter
from dataclasses import dataclass, field

from scripts.fuzzing.damage import File
from scripts.fuzzing.meter import Taken


@dataclass
class Tally:
    """Counts, and what must not have happened."""

    door: str
    sent: int = 0
    #: Rows there are now, or refusals that were said of a file sent alone.
    rows: int = 0
    #: How many rows there were of each outcome: `accepted`, or the code of the refusal.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Files of which something was said.
    noted: int = 0
    slowest_s: float = 0.0
    largest_bytes: int = 0
    #: What must not have happened; the file's name and content, where there is one.
    faults: list[tuple[str, str, bytes]] = field(default_factory=list)

    def note(self, outcome: str) -> None:
        """Something was said of a file."""
        self.noted += 1
        self.outcomes[outcome] += 1

    def took(self, taken: Taken) -> None:
        """A request took so much."""
        self.slowest_s = max(self.slowest_s, taken.cpu_s)
        self.largest_bytes = max(self.largest_bytes, taken.memory_bytes)

    def fault(self, what: str, file: File | None = None, *, content: bytes = b"") -> None:
        """Something happened that must not."""
        name = file.name if file else ""
        self.faults.append((f"{self.door}: {what}", name, file.content if file else content))
