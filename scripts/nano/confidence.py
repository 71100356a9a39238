"""How often `nano` is right when it says how sure it is: `python -m scripts.nano.confidence [--write]`.

About ten minutes on one idle core. The cases are those of the model card, with half as many flat colors:
held-out scenes, scenes by another hand, flat colors of which some have no clear name. With `--write` table
and plot go into docs/confidence.md.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path

from scripts import report
from scripts.nano.evaluate import MODEL, SETS, Answerer, Case
from worker.engines.base import Answer

ROOT = Path(__file__).resolve().parents[2]
PAGE, PLOT = ROOT / "docs/confidence.md", ROOT / "docs/images/confidence.svg"
#: Where the rows of the table begin.
EDGES = (0.0, 0.5, 0.7, 0.9, 0.99, 1.0)
#: Where the points of the plot begin.
_STEPS = 10
#: Standard deviations around a share: 95 of 100 such intervals hold the true one.
_Z = 1.96
_BATCH = 8


@dataclass(frozen=True)
class Claim:
    """How sure the model said it was, and whether it was right."""

    confidence: float
    is_right: bool


@dataclass(frozen=True)
class Share:
    """Claims between two confidences."""

    low: float
    high: float
    claims: Sequence[Claim]

    @property
    def right(self) -> float:
        """The share that is right, 0 to 1."""
        return sum(claim.is_right for claim in self.claims) / len(self.claims)

    @property
    def mean(self) -> float:
        """What the model said, on average."""
        return sum(claim.confidence for claim in self.claims) / len(self.claims)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share is likely to be: E. B. Wilson's interval, 1927."""
        count, right = len(self.claims), self.right
        middle = (right + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
        reach = _Z * sqrt(right * (1 - right) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
        return middle - reach, middle + reach


def claims_of(cases: Sequence[Case], outcomes: Sequence[object]) -> tuple[list[Claim], list[Claim]]:
    """The claims of answers as a whole, and of single fields."""
    whole: list[Claim] = []
    fields: list[Claim] = []
    for case, outcome in zip(cases, outcomes, strict=True):
        if not isinstance(outcome, Answer) or outcome.failure() or outcome.confidence is None:
            continue
        whole.append(Claim(outcome.confidence, outcome.text == case.question.answer))
        if outcome.field_confidence:
            fields += _field_claims(outcome, json.loads(case.question.answer))
    return whole, fields


def _field_claims(answer: Answer, wanted: dict[str, object]) -> Iterator[Claim]:
    said = json.loads(answer.text)
    for name, confidence in (answer.field_confidence or {}).items():
        yield Claim(confidence, said[name] == wanted[name])


def shares(claims: Sequence[Claim], edges: Sequence[float]) -> list[Share]:
    """The claims between one edge and the next; where there are none, no share."""
    found = []
    for low, high in pairwise(edges):
        inside = [one for one in claims if low <= one.confidence < high or one.confidence == high == 1]
        if inside:
            found.append(Share(low, high, inside))
    return found


def rows(title: str, claims: Sequence[Claim]) -> list[str]:
    """Rows of the table."""
    return [
        f"| {title} | {share.low:g} – {share.high:g} | {len(share.claims):,} | {share.mean:.3f} |"
        f" {share.right:.1%} ({share.interval[0]:.1%} – {share.interval[1]:.1%}) |"
        for share in shares(claims, EDGES)
    ]


def plot(series: dict[str, Sequence[Claim]]) -> str:
    """What was right over what was said; on the line, both are the same."""
    side, edge = 400, 50
    colors = ("#6d28d9", "#0e7490")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side + 2 * edge} {side + 2 * edge}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{side + 2 * edge}" height="{side + 2 * edge}" fill="#fff"/>',
        f'<path d="M{edge} {edge + side}L{edge + side} {edge}" stroke="#bbb" stroke-dasharray="4"/>',
        f'<path d="M{edge} {edge}V{edge + side}H{edge + side}" fill="none" stroke="#444"/>',
        f'<text x="{edge + side / 2}" y="{2 * edge + side - 10}" text-anchor="middle">said to be sure</text>',
        f'<text x="14" y="{edge + side / 2}" text-anchor="middle"'
        f' transform="rotate(-90 14 {edge + side / 2})">right</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f'<text x="{edge + side * tick}" y="{edge + side + 18}" text-anchor="middle">{tick:g}</text>'
        )
        parts.append(
            f'<text x="{edge - 8}" y="{edge + side * (1 - tick) + 4}" text-anchor="end">{tick:.0%}</text>'
        )
    for number, (name, claims) in enumerate(series.items()):
        color = colors[number]
        parts.append(f'<text x="{edge + 12}" y="{edge + 16 + 18 * number}" fill="{color}">● {name}</text>')
        for share in shares(claims, [step / _STEPS for step in range(_STEPS + 1)]):
            x, low, high = edge + side * share.mean, *(edge + side * (1 - one) for one in share.interval)
            y = edge + side * (1 - share.right)
            parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{color}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Ask everything, and say how often what was sure was right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--scenes", type=int, default=720, help="of each set")
    parser.add_argument("--write", action="store_true", help="put table and plot into docs/confidence.md")
    given = parser.parse_args()
    answerer = Answerer(given.model)
    cases = [case for make in SETS.values() for case in make(given.scenes)]
    outcomes = [
        one for at in range(0, len(cases), _BATCH) for one in answerer.outcomes(cases[at : at + _BATCH])
    ]
    whole, fields = claims_of(cases, outcomes)
    head = (
        "| of | said to be sure | how many | on average | right (95 % interval) |\n|---|---|---:|---:|---:|"
    )
    text = "\n".join([head, *rows("answers", whole), *rows("fields", fields)])
    print(text)
    if given.write:
        report.write("confidence", text, PAGE)
        PLOT.write_text(plot({"answers": whole, "fields": fields}), encoding="utf-8")


if __name__ == "__main__":
    main()
