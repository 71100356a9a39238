"""The long soak: `scripts/soak [--minutes 30] [--report FILE]`."""

import argparse
import tempfile
from pathlib import Path

from tests.chaos.soak import MAX_QUEUED, TAKES_S, Soak, Soaked


def main() -> None:
    """Soak, and print what was seen as Markdown."""
    args = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="eva01-soak-") as folder:
        soak = Soak(Path(folder))
        try:
            text = _markdown(soak.run(args.minutes * 60), args.minutes)
        finally:
            soak.end()
    print(text)
    if args.report:
        args.report.write_text(text)


def _markdown(seen: Soaked, minutes: float) -> str:
    rows = [
        f"| {who} | " + " | ".join(f"{seen.memory(who, quarter):.1f}" for quarter in range(4)) + " |"
        for who in ("web", "worker", "redis")
    ]
    head = (
        f"{minutes:g} minutes at twice the capacity of one worker ({1 / TAKES_S:.0f} images/s), room for"
        f" {MAX_QUEUED} waiting jobs. {seen.offered:,} images were offered, {seen.accepted:,} accepted,"
        f" {seen.refused:,} turned away with 429. Of those accepted {len(seen.waits_s):,} were answered and"
        f" {seen.failed} failed; from acceptance to answer: median {seen.wait_s(0.5):.1f} s, 95 %"
        f" {seen.wait_s(0.95):.1f} s, longest {seen.wait_s(1):.1f} s."
    )
    table = ["| mean memory, MiB | 1st quarter | 2nd | 3rd | 4th |", "|---|---:|---:|---:|---:|", *rows]
    return "\n".join([head, "", *table]) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Too much, for a long time.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--report", type=Path, help="where to write what was seen, as Markdown")
    return parser


if __name__ == "__main__":
    main()
