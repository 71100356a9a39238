"""The command behind `scripts/streams`: how soon what a model says is heard, and what saying it costs."""

import argparse
import asyncio
import os
import platform
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from worker.ops.cores import share_cores

share_cores()

from jobs.storage.connection.client import connect  # noqa: E402
from jobs.storage.wire import Wire  # noqa: E402
from scripts import report  # noqa: E402
from scripts.report import Line  # noqa: E402
from scripts.rolling.model import random_model  # noqa: E402
from scripts.streaming.cost import cost  # noqa: E402
from scripts.streaming.listeners import Heard, listen  # noqa: E402
from tests.conftest import start_redis, stop  # noqa: E402
from tests.processes import Process, free_port, python  # noqa: E402
from tests.servers.slow_clients import Web, web_beside  # noqa: E402

#: Streams, and what a step of theirs takes: that of a 7B on a GPU; and many, of which each says little.
_FEW, _STEP_S = 16, 0.025
_MANY, _SLOW_STEP_S = 500, 1.0
_STEPS = 40


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/streams", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=_MANY, help="how many streams the most are")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    found: dict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory(prefix="eva01-streams-") as folder:
        port = free_port()
        server = start_redis(port, Path(folder))
        url = f"redis://127.0.0.1:{port}/0"
        try:
            _measure_cost(url, given.rounds, found)
            with web_beside(Path(folder), url, EVA01_MODELS="stub", EVA01_WEB_THREADS="32") as web:
                _measure_streams(web, Path(folder), given, found)
        finally:
            stop(server)
    text = f"{report.table([report.row(*line) for line in _lines(given.many, found)])}\n\n"
    text += f"{_STEPS} words of each stream; {os.cpu_count()} cores, Python {platform.python_version()}."
    print(text)
    if given.write:
        report.write("streams", text)


def _measure_cost(redis_url: str, rounds: int, found: dict[str, list[float]]) -> None:
    model, client = random_model(), connect(redis_url)
    for seed in range(1, rounds + 1):
        one = cost(model, _FEW, seed, Wire(client))
        found["cost"].append(one["ratio"])
        _say(f"a step, heard ÷ not heard: {one['ratio']:.3f} (of {one['step'] * 1e3:.1f} ms)")
    client.close()


def _measure_streams(
    web: Web, folder: Path, given: argparse.Namespace, found: dict[str, list[float]]
) -> None:
    for count, step_s in ((_FEW, _STEP_S), (given.many, _SLOW_STEP_S)):
        with _speaker(web.redis_url, folder, step_s):
            asyncio.run(listen(web.port, 1))
            for _ in range(given.rounds):
                before = web.serving.memory_info().rss
                heard = asyncio.run(listen(web.port, count))
                found[f"late {count}"].append(1e3 * _p95_s(heard))
                words, steps = sum(one.words for one in heard), sum(one.steps for one in heard)
                found[f"alone {count}"].append(100 * words / steps)
                grown = (web.serving.memory_info().rss - before) / 2**20
                _say(
                    f"{count} streams: p95 {found[f'late {count}'][-1]:.1f} ms, {words:,} of {steps:,} words"
                    f" by themselves; web has grown by {grown:.0f} MiB"
                )


@contextmanager
def _speaker(redis_url: str, folder: Path, step_s: float) -> Iterator[None]:
    port = free_port()
    env = {"REDIS_URL": redis_url, "EVA01_DATA": str(folder), "EVA01_WORKER_PORT": str(port)}
    # Each round asks the same.
    env["EVA01_ANSWER_CACHE"] = "false"
    command = python("scripts.streaming.speaker", str(step_s), str(_STEPS))
    process = Process.start(f"speaker-{port}", command, env, folder)
    try:
        process.wait_until_ready(f"http://127.0.0.1:{port}/ready")
        yield
    finally:
        process.end()


def _p95_s(heard: Sequence[Heard]) -> float:
    return quantiles((late_s for one in heard for late_s in one.late_s), n=20)[-1]


def _lines(many: int, found: dict[str, list[float]]) -> Iterator[Line]:
    yield f"a step, {_FEW} rows that are heard ÷ not", "≤ 1.03", found["cost"], ".3f"
    for count in (_FEW, many):
        wanted = "≤ 20" if count == _FEW else ""
        yield f"{count} streams: p95 from a step to its word (ms)", wanted, found[f"late {count}"], ".1f"
        yield f"{count} streams: words that came by themselves (%)", "", found[f"alone {count}"], ".1f"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
