"""The command behind `scripts/slow_clients`: how long others wait while many connections are slow."""

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from scripts import report
from scripts.fuzzing.meter import cpu_s
from scripts.holding.load import load
from scripts.report import Line
from tests.files import hostile
from tests.processes import wait_until
from tests.servers.slow_clients import DEADLINES, READERS, SENDERS, Web, web_with

#: Seconds between two bytes of a connection that trickles.
_TRICKLE_S = 1.0
#: Seconds in which web lets go of all connections.
_PATIENCE_S = 600.0
#: Seconds of a look at what web does by itself, and how many there are at most: what it makes for slow
#: readers takes minutes.
_LOOK_S, _MOST_LOOKS = 2.0, 300
#: Shares of a core: web does nothing with less; with trickles it is steady when two looks differ by less, and
#: it has less in all.
_QUIET, _STEADY, _BUSY = 0.02, 0.02, 0.5


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/slow_clients", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="slow connections of one kind")
    parser.add_argument("--calls", type=int, default=400, help="calls of others that are measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", action="append", choices=(*SENDERS, *READERS), help="these alone")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    loads = "/".join(f"{one:.1f}" for one in os.getloadavg())
    settings = {
        **dict.fromkeys(DEADLINES, "3600"),
        "EVA01_WEB_THREADS": "32",
        "EVA01_MAX_CONNECTIONS": str(given.count + 100),
    }
    with TemporaryDirectory(prefix="eva01-slow-") as folder, web_with(Path(folder), **settings) as web:
        _p95_s(web, given.calls)
        rows = [report.row(*_line(web, kind, given)) for kind in given.kind or (*SENDERS, *READERS)]
    text = f"{report.table(rows)}\n\n{given.count:,} connections of each kind, held by a process of its own;"
    text += f" {given.calls} calls of others while they are, and as many before and after;"
    text += f" {os.cpu_count()} cores (load when it began: {loads}), Python {platform.python_version()}."
    print(text)
    if given.write:
        report.write("slow clients", text)


def _line(web: Web, kind: str, given: argparse.Namespace) -> Line:
    """How many times as long others wait, each round between two idle ones."""
    ratios = []
    _wait_until_quiet(web)
    before_s = _p95_s(web, given.calls)
    for _ in range(given.rounds):
        began_s = time.monotonic()
        with load(web, kind, given.count, _TRICKLE_S) as held:
            share = _wait_until_quiet(web, is_trickled=bool(SENDERS.get(kind, (b"", b""))[1]))
            begun_s = time.monotonic() - began_s
            load_s, measured_s = held.cpu_s, time.monotonic()
            held_s = _p95_s(web, given.calls)
            load_share = (held.cpu_s - load_s) / (time.monotonic() - measured_s)
        wait_until(lambda: not web.held(), "web has let go of all of them", _PATIENCE_S)
        _wait_until_quiet(web)
        after_s = _p95_s(web, given.calls)
        ratios.append(2 * held_s / (before_s + after_s))
        _say(
            f"{kind}: {ratios[-1]:.2f} ({held_s * 1e3:.1f} ms; idle {before_s * 1e3:.1f} and"
            f" {after_s * 1e3:.1f}); held within {begun_s:.0f} s; they alone take web {share:.1%} of a core,"
            f" and whoever holds them {load_share:.1%}"
        )
        before_s = after_s
    return f"{kind}: p95 of others ÷ idle", "≤ 2", ratios, ".2f"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _wait_until_quiet(web: Web, *, is_trickled: bool = False) -> float:
    """Wait until web does nothing, or always as much for trickles; gives the share of a core that it takes.

    What is measured is what connections cost that are held, and not the work that their beginnings were.
    """
    serving, last = web.serving, 1.0
    for _ in range(_MOST_LOOKS):
        before_s = cpu_s(serving)
        time.sleep(_LOOK_S)
        share = (cpu_s(serving) - before_s) / _LOOK_S
        if share < _QUIET or (is_trickled and share < _BUSY and abs(share - last) < _STEADY):
            return share
        last = share
    raise RuntimeError(f"web still takes {share:.0%} of a core")


def _p95_s(web: Web, calls: int) -> float:
    """The 95th percentile of calls: health, status, a question and an image in turn."""
    took_s = []
    asked, file = {"question": "?", "model": "nano"}, {"file": ("a.png", hostile.encoded())}
    for number in range(calls):
        began_s = time.perf_counter()
        if number % 4 == 0:
            response = web.http.post("/api/jobs", data=asked, files=file)
        else:
            response = web.http.get(("/health", "/api/status", web.paths["image"])[number % 4 - 1])
        took_s.append(time.perf_counter() - began_s)
        response.raise_for_status()
    return quantiles(took_s, n=20)[-1]


if __name__ == "__main__":
    main()
