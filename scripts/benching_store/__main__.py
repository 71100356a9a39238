"""The command behind `scripts/bench_store`."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts import report
from scripts.benching_store import create, export, memory, pages, requests, upload, verbs
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.report import Line

Part = Callable[[Servers, Options], Iterator[Line]]
_PARTS: dict[str, Part] = {
    "memory": memory.measure,
    "create": create.measure,
    "export": export.measure,
    "pages": pages.measure,
    "verbs": verbs.measure,
    "upload": upload.measure,
    "requests": requests.measure,
}


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/bench_store", description=__doc__)
    for name, default in vars(Options()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", type=_parts, default=_PARTS, help="parts, with commas between them")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.write and list(given.only) != list(_PARTS):
        parser.error("--write needs all parts.")
    options = Options(**{name: getattr(given, name) for name in vars(Options())})
    loads = "/".join(f"{load:.1f}" for load in os.getloadavg())
    with TemporaryDirectory(prefix="eva01-bench-") as folder, Servers(Path(folder)) as servers:
        rows = [report.row(*line) for name in given.only for line in _told(_PARTS[name](servers, options))]
        server = servers.info("server")["redis_version"]
    text = f"{report.table(rows)}\n\n{os.cpu_count()} cores (load when it began: {loads}),"
    text += f" Python {platform.python_version()}, a server that calls itself Redis {server}."
    print(text)
    if given.write:
        report.write("store", text)


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in _PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(_PARTS)}")
    return names


def _told(lines: Iterator[Line]) -> Iterator[Line]:
    """The same lines, each on stderr as soon as it is known."""
    for line in lines:
        what, _, values, form = line
        print(what, *(f"{value:{form}}" for value in values), sep="  ", file=sys.stderr, flush=True)
        yield line


if __name__ == "__main__":
    main()
