"""The table of docs/benchmarks.md, made of what was measured last of each work, on whichever day."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts import report
from scripts.benching.found import Found, Measured
from scripts.benching.plot import draw

DOCS = Path(__file__).parents[2] / "docs"
#: In that folder: all that was measured last, of which the table and the picture are made.
_PAGE, _KEPT, _PICTURE = "benchmarks.md", "benchmarks.json", "images/benchmarks.svg"

Works = Mapping[str, Measured]


def read(path: Path) -> dict[str, Measured]:
    """What a file keeps; nothing where there is none."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {name: Measured.from_json(one) for name, one in kept.items()}


def write(path: Path, works: Works) -> None:
    """Keep all in a file."""
    said = {name: one.as_json() for name, one in works.items()}
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def publish(works: Works, order: Sequence[str], docs: Path = DOCS) -> None:
    """Put what was measured into the page, beside what was measured of the other works before."""
    kept = read(docs / _KEPT) | dict(works)
    write(docs / _KEPT, {name: kept[name] for name in order if name in kept})
    (docs / _PICTURE).write_text(draw(kept, order), encoding="utf-8")
    picture = f"![How far each number is from its bar, a dot a round]({_PICTURE})"
    report.write("bench", f"{table(kept, order)}\n\n{picture}", docs / _PAGE)


def table(works: Works, order: Sequence[str]) -> str:
    """A row a number, and below it what each work ran with and on."""
    lines = ["| work | what | wanted | median | rounds |", "|---|---|---|---|---|"]
    lines += [_row(name, found) for name in order if name in works for found in works[name].found]
    lines += ["", *(f"- **{name}**: {_about(works[name])}" for name in order if name in works)]
    if absent := [name for name in order if name not in works]:
        lines += ["", f"Not measured yet: {', '.join(absent)}."]
    return "\n".join(lines)


def _row(name: str, found: Found) -> str:
    return f"| {name} | {' | '.join(_cells(found))} |"


def _cells(found: Found) -> Iterator[str]:
    yield from (found.what, found.wanted)
    if found.rounds:
        _, _, middle, rounds = report.row(found.what, found.wanted, found.rounds, found.form)
        yield from (middle, rounds)
    else:
        yield from ("", found.reason.replace("|", "/"))


def _about(one: Measured) -> str:
    return f"{one.settings} {one.seconds:.0f} s on {one.day}: {one.machine}."
