"""`eva01 up`: everything on this machine."""

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from eva01.cli.commands.options import (
    check_logprobs,
    fields_options,
    logprobs_options,
    max_new_tokens_option,
    max_pixels_option,
    pages_options,
    sampling_options,
)
from eva01.cli.submission import kind_of
from eva01.launcher.commands.settings import settings_checked
from eva01.launcher.up import Wishes, run

#: Parameters that say something also where there is no folder.
_OF_THE_PARTS = ("folder", "model", "models", "redis_port", "is_exiting")


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--question", "-q", default="", help="What to ask of every image in FOLDER.")
@click.option("--model", "-m", help="Ask this model, and start it if need be: a name, hub address or folder.")
@click.option(
    "--models",
    callback=lambda _context, _option, names: _split(names),
    help="Serve these and no others, separated by commas; where they do not fit into memory together, none.",
)
@max_new_tokens_option
@max_pixels_option
@fields_options
@pages_options
@logprobs_options
@sampling_options
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("results.csv"),
    show_default=True,
    help="Where FOLDER's results go: .csv, .jsonl, .xlsx or .parquet.",
)
@click.option("--exit", "is_exiting", is_flag=True, help="Stop when FOLDER is answered.")
@click.option(
    "--redis-port",
    type=click.IntRange(0, 65535),
    default=0,
    envvar="EVA01_REDIS_PORT",
    help="Where to start Redis (also EVA01_REDIS_PORT); 0 is any free port. Not used with REDIS_URL.",
)
def up(
    folder: Path | None,
    question: str,
    model: str | None,
    models: tuple[str, ...],
    max_new_tokens: int | None,
    max_pixels: int | None,
    wanted: dict[str, Any],
    out: Path,
    is_exiting: bool,
    redis_port: int,
) -> None:
    """Start Redis, web and the workers here, serve the page, and answer FOLDER if one is given.

    With --exit the exit code is 0 if every image has an answer, 1 if some have none, 2 if it could not run.
    """
    if is_exiting and folder is None:
        raise click.UsageError("--exit needs a FOLDER: there is nothing to wait for.")
    if folder is None and (about_it := _given_of_a_folder(click.get_current_context())):
        raise click.UsageError(f"{', '.join(about_it)}: that is asked about a FOLDER. Name one.")
    kind_of(out)
    check_logprobs(out, wanted)
    asked = (folder, question, model, models, max_new_tokens, max_pixels, wanted)
    wishes = Wishes(*asked, out, is_exiting, redis_port)
    with settings_checked():
        sys.exit(run(wishes, Console()))


def _given_of_a_folder(context: click.Context) -> list[str]:
    """The options on the command line that say how a folder is answered."""
    return [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name
        and parameter.name not in _OF_THE_PARTS
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
