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
from scripts.report import Line
from tests import hostile
from tests.slow_clients import DEADLINES, READERS, SENDERS, Web, slow, wait_until_all_begin, web_with

#: Seconds that slow connections have before others are measured: their beginnings are over then.
_SETTLE_S = 3.0
#: Seconds between two bytes of a connection that trickles.
_TRICKLE_S = 1.0


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/slow_clients", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="slow connections of one kind")
    parser.add_argument("--calls", type=int, default=200, help="calls of others that are measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    loads = "/".join(f"{load:.1f}" for load in os.getloadavg())
    settings = {**dict.fromkeys(DEADLINES, "600"), "EVA01_WEB_THREADS": "32"}
    with TemporaryDirectory(prefix="eva01-slow-") as folder, web_with(Path(folder), **settings) as web:
        _p95_s(web, given.calls)
        rows = [report.row(*_line(web, kind, given)) for kind in (*SENDERS, *READERS)]
    text = f"{report.table(rows)}\n\n{given.count:,} connections of each kind,"
    text += f" {given.calls} calls of others a round;"
    text += f" {os.cpu_count()} cores (load when it began: {loads}), Python {platform.python_version()}."
    print(text)
    if given.write:
        report.write("slow clients", text)


def _line(web: Web, kind: str, given: argparse.Namespace) -> Line:
    """How many times as long others wait, each round beside an idle one."""
    ratios = []
    for _ in range(given.rounds):
        idle_s = _p95_s(web, given.calls)
        with slow(web, kind, given.count, every_s=_TRICKLE_S) as held:
            if kind in READERS:
                wait_until_all_begin(held)
            time.sleep(_SETTLE_S)
            ratios.append(_p95_s(web, given.calls) / idle_s)
        while web.held():
            time.sleep(0.1)
    print(kind, *(f"{ratio:.2f}" for ratio in ratios), sep="  ", file=sys.stderr, flush=True)
    return f"{kind}: p95 of others ÷ idle", "≤ 2", ratios, ".2f"


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
