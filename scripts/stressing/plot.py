"""The latencies over time as SVG: a point per question, red without an answer, and a line per percentile.

Written by hand, because a plotting library is larger than all of the command.
"""

from scripts.stressing.outcome import PERCENTILES, Outcome, Report

#: Width and height of the picture, and what is left free around the points for numbers; in pixels.
_WIDTH, _HEIGHT, _MARGIN = 900, 420, 60
#: Numbers on each axis, besides 0.
_TICKS = 5
_STYLE = (
    "text{font:12px sans-serif;fill:#444}line{stroke:#ccc}.p line{stroke:#07c;stroke-dasharray:6 4}"
    ".p text{fill:#07c}circle{fill:#2a7;fill-opacity:.6}.failed{fill:#c22;fill-opacity:1}"
)


def draw(report: Report) -> str:
    """The picture of a run."""
    axes = _Axes(
        max([outcome.began_s for outcome in report.outcomes], default=0) or 1.0,
        max([outcome.took_s for outcome in report.outcomes], default=0) or 1.0,
    )
    parts = [*axes.ticks(), *(axes.level(report.latency_s(share), share) for share in PERCENTILES)]
    parts += [axes.point(outcome) for outcome in report.outcomes]
    title = f"{len(report.answered):,} of {len(report.outcomes):,} answered, {report.per_s:.2f} answers/s"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{_MARGIN}" y="24">{title}</text>'
        f'{"".join(parts)}<text x="{_WIDTH / 2}" y="{_HEIGHT - 12}">seconds into the run</text>'
        f'<text x="12" y="44">seconds until the answer</text></svg>\n'
    )


class _Axes:
    """From seconds to pixels."""

    def __init__(self, longest_run_s: float, longest_wait_s: float) -> None:
        self._run_s = longest_run_s
        self._wait_s = longest_wait_s

    def ticks(self) -> list[str]:
        """The numbers on both axes, and a line for each of the upright one."""
        run_s = [self._run_s * n / _TICKS for n in range(_TICKS + 1)]
        wait_s = [self._wait_s * n / _TICKS for n in range(_TICKS + 1)]
        across = [f'<text x="{self._x(at_s):.1f}" y="{_HEIGHT - 36}">{at_s:.3g}</text>' for at_s in run_s]
        return across + [self._line(at_s, f"{at_s:.3g}") for at_s in wait_s]

    def level(self, wait_s: float, share: float) -> str:
        """A percentile."""
        y = self._y(wait_s)
        name = f'<text x="{_WIDTH - _MARGIN + 6}" y="{y + 4:.1f}">p{share * 100:.0f}</text>'
        return f'<g class="p">{self._line(wait_s, "")}{name}</g>'

    def point(self, outcome: Outcome) -> str:
        """A question."""
        kind = ' class="failed"' if outcome.failure else ""
        return f'<circle{kind} cx="{self._x(outcome.began_s):.1f}" cy="{self._y(outcome.took_s):.1f}" r="3"/>'

    def _line(self, wait_s: float, name: str) -> str:
        y = self._y(wait_s)
        line = f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>'
        return line + (f'<text x="12" y="{y + 4:.1f}">{name}</text>' if name else "")

    def _x(self, run_s: float) -> float:
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * run_s / self._run_s

    def _y(self, wait_s: float) -> float:
        return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * wait_s / self._wait_s
