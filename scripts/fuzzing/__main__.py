"""The command behind `scripts/fuzz`."""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.contract.models import Note
from scripts.benching_store.servers import Servers
from scripts.fuzzing import costing, decoding, originals
from scripts.fuzzing.costly import KINDS
from scripts.fuzzing.damage import File, damaged
from scripts.fuzzing.decoding import OTHER, READ, DecodedAll
from scripts.fuzzing.doors import DOORS, OF_ZIPS, unknown_doors
from scripts.fuzzing.tally import Tally

#: One of so many files is a zip that is damaged itself.
_ZIPS = 5

_NOTES = frozenset(note.value for note in Note)

Fault = tuple[str, str, bytes]


def main() -> None:
    """Send, decode, tell; exits with 1 when anything was lost, crashed, or took too long."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="images and zips, shared among all doors")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-costly", action="store_true", help="leave out the requests made to be costly")
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    given = parser.parse_args()
    whole = originals.images()
    files = list(islice(damaged(whole, random.Random(given.seed)), given.files - given.files // _ZIPS))
    packed = damaged(originals.zips(whole), random.Random(given.seed))
    zips = list(islice(packed, given.files // _ZIPS))
    with TemporaryDirectory(prefix="eva01-fuzz-") as folder, Servers(Path(folder)) as servers:
        faults: list[Fault] = [(f"{path} is no door of ours", "", b"") for path in unknown_doors(servers)]
        tallies = list(_sent(servers, files, zips))
        costs = [costing.cost(servers, name) for name in (() if given.no_costly else KINDS)]
    decoded = decoding.decode(whole, files)
    _tell(tallies, costs, decoded)
    faults += [fault for tally in tallies for fault in tally.faults] + decoded.faults
    faults += [(fault, cost.name, b"") for cost in costs for fault in cost.faults]
    _tell_faults(faults, given.keep)
    sys.exit(1 if faults else 0)


def _sent(servers: Servers, files: Sequence[File], zips: Sequence[File]) -> Iterator[Tally]:
    """Each door gets its share of the files."""
    for number, (name, door) in enumerate(DOORS.items()):
        tally = Tally(name)
        door(servers, files[number :: len(DOORS)], tally)
        yield tally
    name, door = OF_ZIPS
    tally = Tally(name)
    door(servers, zips, tally)
    yield tally


def _tell(tallies: Sequence[Tally], costs: Sequence[costing.Cost], decoded: DecodedAll) -> None:
    print("| door | files | of which something was said | rows | CPU, at most | memory, at most |")
    print("|---|---|---|---|---|---|")
    for one in tallies:
        said = f"{one.sent:,} | {one.noted:,} | {one.rows:,}"
        print(f"| {one.door} | {said} | {one.slowest_s:.2f} s | {one.largest_bytes / 1e6:.0f} MB |")
    print("\n| decoded | files | refused | with a note | as it was | another picture, without a word |")
    print("|---|---|---|---|---|---|")
    for kind, outcomes in sorted(decoded.outcomes.items()):
        print(f"| {kind} | {outcomes.total():,} | " + " | ".join(f"{n:,}" for n in _shares(outcomes)) + " |")
    print(f"\nA file took at most {decoded.slowest_s:.2f} s and {decoded.largest_bytes / 1e6:.0f} MB.")
    for one in tallies:
        print(f"{one.door}: {_told(one.outcomes)}.")
    for kind, outcomes in sorted(decoded.outcomes.items()):
        print(f"{kind}: {_told(outcomes)}.")
    for cost in costs:
        print(
            f"{cost.name}: {cost.sent_bytes / 1e6:.1f} MB cost web {cost.taken.cpu_s:.1f} s of CPU and"
            f" {cost.taken.memory_bytes / 1e6:.0f} MB: {_told(cost.outcomes)}."
        )
    if not costs:
        return
    most_s = max(cost.taken.cpu_s for cost in costs)
    most_bytes = max(cost.taken.memory_bytes for cost in costs)
    print(f"A costly one cost at most {most_s:.1f} s of CPU, and {most_bytes / 1e6:.0f} MB of memory.")


def _shares(outcomes: Counter[str]) -> tuple[int, int, int, int]:
    """Refused, with a note, as it was, another."""
    as_it_was, other = outcomes[READ], outcomes[OTHER]
    noted = sum(n for outcome, n in outcomes.items() if set(outcome.split(", ")) <= _NOTES)
    return outcomes.total() - as_it_was - other - noted, noted, as_it_was, other


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{outcome} {count:,}" for outcome, count in outcomes.most_common())


def _tell_faults(faults: Sequence[Fault], keep: Path | None) -> None:
    for number, (what, name, content) in enumerate(faults):
        print(f"FAULT {number} {name}: {what}", file=sys.stderr)
        if keep and content:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number}-{name or 'file'}").write_bytes(content)


if __name__ == "__main__":
    main()
