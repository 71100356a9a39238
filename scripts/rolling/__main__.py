"""`python -m scripts.rolling [--rounds 5] [--more] [--write]`."""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from worker.ops.cores import core_count, share_cores

share_cores()

import torch  # noqa: E402

from scripts import report  # noqa: E402
from scripts.rolling import measures  # noqa: E402
from scripts.rolling.held import held  # noqa: E402
from scripts.rolling.idle import idle  # noqa: E402
from scripts.rolling.load import equal, geometric  # noqa: E402
from scripts.rolling.model import random_model  # noqa: E402

SLOTS = (8, 16)
#: Target of images/s, rolling ÷ static, by slots.
WANTED = {8: "≥ 2.2", 16: "≥ 2.6"}
Results = dict[str, list[dict[str, float]]]
#: Title, target (empty for none), measure, key in its results, factor to the title's unit, number format.
Line = tuple[str, str, str, str, float, str]
_LINES: list[Line] = [
    ("time to admit ÷ (2 steps + own prefill), 8 rows running", "≤ 1", "admission", "ratio", 1, ".2f"),
    ("device idle while a backlog exists (%)", "≤ 2", "idle", "share", 100, ".2f"),
    ("step outside the model's forward, 16 rows (%)", "≤ 5", "overhead", "share", 100, ".1f"),
    ("a step, 16 rows (ms)", "", "stalls", "step", 1000, ".0f"),
    ("a step that takes new images in (ms)", "", "stalls", "with", 1000, ".0f"),
    ("the longest that rows in flight waited for new images (ms)", "", "stalls", "longest", 1000, ".0f"),
]
#: The same of rows with more than one image and one text.
_MORE: list[Line] = [
    ("a step, 16 rows with schemas ÷ without", "≤ 1.10", "held", "ratio", 1, ".3f"),
    ("the share of it that masks take (%)", "≤ 10", "held", "masks", 100, ".1f"),
    ("the share of a step that goes into saying how sure (%)", "≤ 2", "held", "sure", 100, ".2f"),
    ("four images a job: jobs/s, static, 16 slots", "", "several", "static", 1, ".2f"),
    ("four images a job: jobs/s, rolling, 16 slots", "", "several", "rolling", 1, ".2f"),
    ("four images a job: jobs/s, rolling ÷ static, 16 slots", "", "several", "ratio", 1, ".2f"),
]


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m scripts.rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--more", action="store_true", help="only rows with schemas, and with several images")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", core_count())))
    model = random_model()
    same, checked = measures.same_answers(model, 8, seed=0)
    foot = f"Answers that are those of `generate` on the job alone: {same} of {checked} checked.\n"
    foot += f"{torch.get_num_threads()} threads, torch {torch.__version__}, {_weights(model)} weights."
    results: Results = defaultdict(list)
    for seed in range(1, arguments.rounds + 1):
        _round_of_more(model, seed, results)
        if not arguments.more:
            _round(model, seed, results)
    tables = {"rolling_more": _MORE}
    if not arguments.more:
        tables["rolling"] = [line for slots in SLOTS for line in _lines_at(slots)] + _LINES
    for section, lines in tables.items():
        text = report.table(_rows(lines, results)) + "\n\n" + foot
        print(text)
        if arguments.write:
            report.write(section, text)


def _round(model: Any, seed: int, results: Results) -> None:
    for slots in SLOTS:
        _note(results, f"gain {slots}", measures.gain(model, slots, geometric, seed))
        static_per_s = results[f"gain {slots}"][-1]["static"]
        _note(results, f"latency {slots}", measures.latency(model, slots, static_per_s, seed))
        _note(results, f"equal {slots}", measures.gain(model, slots, equal, seed))
    _note(results, "stalls", measures.stalls(model, SLOTS[-1], seed))
    _note(results, "admission", measures.admission(model, seed))
    _note(results, "overhead", measures.overhead(model, SLOTS[-1], seed))
    _note(results, "idle", idle(model, SLOTS[0], seed))


def _round_of_more(model: Any, seed: int, results: Results) -> None:
    _note(results, "held", held(model, SLOTS[-1], seed))
    _note(results, "several", measures.several(model, SLOTS[-1], seed))


def _note(results: Results, name: str, found: dict[str, float]) -> None:
    results[name].append(found)
    said = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
    print(f"round {len(results[name])}, {name}: {said}", file=sys.stderr, flush=True)


def _rows(lines: Sequence[Line], results: Results) -> list[tuple[str, str, str, str]]:
    return [
        report.row(what, wanted, [found[key] * factor for found in results[name]], form)
        for what, wanted, name, key, factor, form in lines
    ]


def _lines_at(slots: int) -> list[Line]:
    at = f"{slots} slots"
    gain, latency, same = f"gain {slots}", f"latency {slots}", f"equal {slots}"
    return [
        (f"images/s, static, {at}", "", gain, "static", 1, ".2f"),
        (f"images/s, rolling, {at}", "", gain, "rolling", 1, ".2f"),
        (f"images/s, rolling ÷ static, {at}", WANTED[slots], gain, "ratio", 1, ".2f"),
        (f"the same jobs: p95 latency, rolling ÷ static, {at}", "≤ 0.4", gain, "p95", 1, ".2f"),
        (f"random arrivals: p95 latency, static, {at} (s)", "", latency, "static", 1, ".1f"),
        (f"random arrivals: p95 latency, rolling, {at} (s)", "", latency, "rolling", 1, ".1f"),
        (f"random arrivals: p95 latency, rolling ÷ static, {at}", "", latency, "ratio", 1, ".2f"),
        (f"equal lengths: images/s, rolling ÷ static, {at}", "≥ 1.0", same, "ratio", 1, ".2f"),
    ]


def _weights(model: Any) -> str:
    """Counted on a copy of the model on the `meta` device: packed layers do not report their parameters."""
    with torch.device("meta"):
        return f"{type(model)(model.config).num_parameters() / 1e6:.0f} million"


main()
