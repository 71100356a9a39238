"""The command behind `scripts/fuzz`."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching_store.servers import Servers
from scripts.fuzzing import costing, decoding, originals, sending
from scripts.fuzzing.costly import KINDS
from scripts.fuzzing.damage import damaged


def main() -> None:
    """Send, decode, tell; exits with 1 when anything was lost, crashed, or took too long."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="images and zips, half of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed")
    given = parser.parse_args()
    whole = originals.images()
    half = given.files // 2
    files = [
        *damaged(whole, given.files - half, given.seed),
        *damaged(originals.zips(whole), half, given.seed),
    ]
    with TemporaryDirectory(prefix="eva01-fuzz-") as folder, Servers(Path(folder)) as servers:
        sent = sending.send(servers, files)
        memory_mib = servers.web_rss_bytes() / 2**20
        costs = [costing.cost(servers, name) for name in KINDS]
    decoded = decoding.decode(sent.accepted)
    print(f"{len(files):,} files sent, {sent.rows:,} rows: {_told(sent.outcomes)}.")
    print(
        f"A request cost web at most {sent.slowest_s:.2f} s of CPU; it has {memory_mib:.0f} MiB afterwards."
    )
    print(f"{len(sent.accepted):,} images decoded: {_told(decoded.outcomes)}.")
    print(f"One cost at most {decoded.slowest_s:.2f} s of CPU.")
    for cost in costs:
        print(
            f"{cost.name}: {cost.sent_bytes / 1e6:.1f} MB cost web {cost.cpu_s:.1f} s of CPU and"
            f" {cost.memory_bytes / 1e6:.0f} MB: {_told(cost.outcomes)}."
        )
    most_s, most_bytes = max(cost.cpu_s for cost in costs), max(cost.memory_bytes for cost in costs)
    print(f"A costly one cost at most {most_s:.1f} s of CPU, and {most_bytes / 1e6:.0f} MB of memory.")
    faults = [*sent.faults, *decoded.faults]
    faults += [(fault, cost.name, b"") for cost in costs for fault in cost.faults]
    for what, name, content in faults:
        print(f"FAULT {name}: {what}", file=sys.stderr)
        if given.keep and content:
            given.keep.mkdir(parents=True, exist_ok=True)
            (given.keep / name).write_bytes(content)
    sys.exit(1 if faults else 0)


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{outcome} {count:,}" for outcome, count in outcomes.most_common())


if __name__ == "__main__":
    main()
