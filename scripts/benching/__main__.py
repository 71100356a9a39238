"""The command behind `scripts/bench`: works with their bars, as a table, as JSON and as a picture."""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from scripts.benching import machine, page
from scripts.benching.found import Found, Measured
from scripts.benching.options import Options
from scripts.benching.works import WORKS
from scripts.benching.works.work import Work


def main() -> int:
    """0 when every work was measured to its end, whatever it found."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", type=_named, default=list(WORKS), help="works, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a miniature of each, which measures nothing")
    parser.add_argument("--out", type=Path, help="a file for what was found, as JSON")
    parser.add_argument(
        "--environments", type=Path, default=Options.environments, help="a folder for those of peers"
    )
    parser.add_argument("--write", action="store_true", help="put it into docs/benchmarks.md")
    given = parser.parse_args()
    if given.write and given.small:
        parser.error("--write is for whole works: leave --small out.")
    # Told to stop, it ends what it has started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = Options(given.rounds, given.small, given.environments)
    found: dict[str, Measured] = {}
    is_whole = True
    for name in given.only:
        work = _work(name)
        found[name] = _measured(name, work, options)
        is_whole = is_whole and not any(one.reason for one in found[name].found)
        if given.write:
            page.publish({name: found[name]}, list(WORKS))
        if given.out:
            page.write(given.out, found)
    print(page.table(found, given.only))
    return 0 if is_whole else 1


def _named(text: str) -> list[str]:
    """The works of these names, in their order; `W3` is all that begin with `W3.`."""
    names = text.split(",")
    for name in names:
        if not _all_of(name):
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(WORKS)}")
    chosen = {work for name in names for work in _all_of(name)}
    return [work for work in WORKS if work in chosen]


def _all_of(name: str) -> Sequence[str]:
    return [work for work in WORKS if work == name or work.startswith(f"{name}.")]


def _work(name: str) -> Work:
    # Looked up only now: some bring large libraries.
    found: Work = import_module(WORKS[name]).WORKS[name]
    return found


def _measured(name: str, work: Work, options: Options) -> Measured:
    on, began_s = machine.described(), time.perf_counter()
    found = [*_told(name, _without_end(work, options))]
    return Measured(work.title, work.settings, on, time.perf_counter() - began_s, found)


def _without_end(work: Work, options: Options) -> Iterator[Found]:
    """What a work finds; where it cannot go on, why. The works after it are measured all the same."""
    try:
        yield from work.measure(options)
    except Exception as error:
        traceback.print_exc()
        yield Found(work.title, reason=f"could not be measured: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _told(name: str, lines: Iterator[Found]) -> Iterator[Found]:
    """The same, each on stderr as soon as it is known."""
    for one in lines:
        values = [f"{value:{one.form}}" for value in one.rounds] or [one.reason]
        print(name, one.what, *values, sep="  ", file=sys.stderr, flush=True)
        yield one


if __name__ == "__main__":
    sys.exit(main())
