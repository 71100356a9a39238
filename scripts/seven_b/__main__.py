"""`python -m scripts.seven_b [--folder DIR] [--write]`; a part that fails is said, and the others go on."""

import argparse
import gc
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from jobs.contract.catalog import NANO
from jobs.contract.settings import WorkerSettings
from scripts import report
from scripts.seven_b import checks, folder, measures
from worker.engines.transformers_engine import TransformersEngine

_ROWS = 24
_CHECKED = 12


class Parts:
    """Runs one part after the other, and keeps what they find."""

    def __init__(self) -> None:
        self.numbers: measures.Numbers = {}
        self.failed: list[str] = []

    def run(self, name: str, part: Callable[..., measures.Numbers], *arguments: Any) -> None:
        """Run one; its numbers are printed as soon as they are there."""
        torch.cuda.reset_peak_memory_stats()
        began_s = time.perf_counter()
        try:
            found = part(*arguments)
        except Exception:
            traceback.print_exc()
            self.failed.append(name)
            return
        self.numbers |= found
        said = ", ".join(f"{what}: {value:,.4g}" for what, value in found.items())
        print(f"[{time.perf_counter() - began_s:.0f} s] {said}", file=sys.stderr, flush=True)


def main() -> None:
    """Make the model, measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m scripts.seven_b", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "seven_b")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    folder.make(arguments.folder)
    parts = Parts()
    engine = _load(parts, arguments.folder, "bfloat16")
    checks.warm(engine)
    parts.run("valid", checks.valid, engine, 48, 1)
    for rows in measures.ROWS:
        parts.run(f"rolling {rows}", measures.rolling, engine, rows, 2)
    parts.run("static", measures.static, engine, _ROWS, 2)
    parts.run("held", measures.held, engine, _ROWS, 3)
    parts.run("busy", measures.busy, engine, _ROWS, 3)
    parts.run("several", measures.several, engine, _ROWS, 4)
    parts.run("idle", measures.idle, engine, _ROWS, 5)
    parts.run("same", checks.same, engine, _CHECKED, 6)
    del engine
    gc.collect()
    torch.cuda.empty_cache()
    exact = _load(parts, arguments.folder, "float32", is_noted=False)
    parts.run("same, exact", checks.same, exact, _CHECKED, 6)
    parts.run("out of memory", checks.out_of_memory, exact, 2 * _CHECKED, 7)
    parts.run("lost device", checks.lost_device)
    text = _table(parts.numbers)
    print(text)
    if arguments.write:
        report.write("seven_b", text)
    sys.exit(f"These failed: {', '.join(parts.failed)}" if parts.failed else 0)


def _load(parts: Parts, source: Path, dtype: str, *, is_noted: bool = True) -> TransformersEngine:
    card = NANO.model_copy(update={"source": str(source)})
    engine = TransformersEngine(card, WorkerSettings(device="cuda", dtype=dtype))
    torch.cuda.reset_peak_memory_stats()
    began_s = time.perf_counter()
    engine.load()
    load_s, highest_bytes = time.perf_counter() - began_s, torch.cuda.max_memory_allocated()
    if is_noted:
        parts.run("loaded", measures.loaded, engine, load_s, highest_bytes)
    return engine


def _table(numbers: measures.Numbers) -> str:
    lines = [f"| {what} | {value:,.4g} |" for what, value in numbers.items()]
    where = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}, random weights."
    return "\n".join(["| what | measured |", "|---|---|", *lines, "", where])


main()
