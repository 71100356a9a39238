"""The command behind `scripts/stress`.

Exit codes: 0 as many answers as expected, 1 fewer, 2 could not run, 130 interrupted.
"""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice, repeat
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from eva01.cli.commands.options import Connect, server_options
from eva01.cli.submission import COULD_NOT_RUN
from eva01.cli.text import harmless
from eva01.client.errors import ClientError
from scripts.stressing.drawing import random_png
from scripts.stressing.folders import Folders
from scripts.stressing.outcome import Outcome, Report
from scripts.stressing.plot import draw
from scripts.stressing.single import Analyze, Question

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@server_options
@click.option("--requests", "-n", type=click.IntRange(1), help="How many; 100, or a folder once.")
@click.option("--concurrency", "-c", type=click.IntRange(1), default=10, show_default=True, help="At a time.")
@click.option("--question", "-q", default="Describe this image and its colors.", show_default=True)
@click.option("--model", "-m", help="Which model to ask; else the server's default.")
@click.option("--image", "images", type=_FILE, multiple=True, help="An image to ask about; else drawn ones.")
@click.option("--folder", type=_FOLDER, help="Send this folder as a batch instead, --requests times.")
@click.option("--patience", "patience_s", default=120.0, show_default=True, help="Seconds for a question.")
@click.option("--expect", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share answered.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write the latencies as SVG.")
def stress(
    connect: Connect,
    requests: int | None,
    concurrency: int,
    question: str,
    model: str | None,
    images: tuple[Path, ...],
    folder: Path | None,
    patience_s: float,
    expect: float,
    plot: Path | None,
) -> None:
    """Ask much at once, and say how many were answered and how fast.

    Exit code 0 when the share of --expect is answered, 1 when it is less, 2 if it could not run.
    """
    console = Console()
    with connect() as client:
        client.models()  # Fail with exit code 2 when nothing answers at the address.
        if folder:
            outcomes = Folders(client, folder, question, model).send(requests or 1, concurrency)
            report = _watched(console, outcomes, None)
        else:
            count = requests or 100
            fields = {"question": question} | ({"model": model} if model else {})
            questions = islice(_questions(images, fields), count)
            asking = Analyze(client.server, concurrency, patience_s, client.auth)
            report = _watched(console, asking.ask(questions), count)
    report.show(console)
    if plot:
        plot.write_text(draw(report), encoding="utf-8")
    sys.exit(int(report.success < expect))


def _watched(console: Console, outcomes: Iterator[Outcome], count: int | None) -> Report:
    """Collect all outcomes; shows a bar on a terminal."""
    started_s = time.monotonic()
    shown = track(outcomes, "Asking", total=count, console=console, disable=not console.is_terminal)
    return Report(list(shown), time.monotonic() - started_s)


def _questions(images: Sequence[Path], fields: dict[str, str]) -> Iterator[Question]:
    """An endless iterator over the images, repeated, or over drawn ones."""
    if images:
        return cycle(Question(path.name, path.read_bytes, fields) for path in images)
    return repeat(Question("stress.png", partial(random_png, random.Random()), fields))


def main() -> None:
    """Run the command; what goes wrong is one line on stderr and exit code 2."""
    try:
        stress(prog_name="stress")
    except (ClientError, OSError) as error:
        click.echo(f"stress: {harmless(str(error))}", err=True)
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
