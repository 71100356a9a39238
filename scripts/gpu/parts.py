"""Runs one part after the other within its time, whatever becomes of the others."""

import gc
import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

#: What was found, under the names of the table's lines; a text says why there is no number.
Found = Mapping[str, float | str]


@dataclass
class Parts:
    """All parts together take about `seconds`; each has its share, or does the least it can."""

    seconds: float
    found: dict[str, float | str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    _began_s: float = field(default_factory=time.monotonic)

    def run(self, name: str, share: float, part: Callable[[float], Found]) -> None:
        """Run one, which is told its seconds; what it finds is printed at once, as a line of JSON."""
        began_s = time.monotonic()
        found: Found = {}
        left_s = max(0.0, self.seconds - (began_s - self._began_s))
        try:
            found = part(min(left_s, share * self.seconds))
        except Exception as error:
            traceback.print_exc()
            self.failed.append(name)
            found = {f"{name}: failed": f"{type(error).__name__}: {error}".split("\n", 1)[0]}
        self.found |= found
        took_s = time.monotonic() - began_s
        said = {"part": name, "seconds": round(took_s, 1), "found": dict(found)}
        print(json.dumps(said, ensure_ascii=False), flush=True)
        # What a part had on the device must not count in the next.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def table(self) -> str:
        """All that was found, as Markdown."""
        lines = [f"| {what} | {_cell(value)} |" for what, value in self.found.items()]
        return "\n".join(["| what | measured |", "|---|---|", *lines])


def _cell(value: float | str) -> str:
    return value.replace("|", "/") if isinstance(value, str) else f"{value:,.4g}"
