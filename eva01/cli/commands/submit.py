"""`eva01 submit`: images in, answers out."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from eva01.cli import submission as steps
from eva01.cli.commands.options import (
    Connect,
    Input,
    check_lines,
    check_logprobs,
    fields_options,
    json_option,
    lines_option,
    logprobs_options,
    max_new_tokens_option,
    max_pixels_option,
    pages_options,
    print_json,
    sampling_options,
    server_options,
)
from eva01.cli.errors import CommandError
from eva01.cli.progress import Silence, Watcher, shown
from eva01.cli.submission import INTERRUPTED, Sent, Submission
from eva01.cli.tables import say
from eva01.cli.text import counted
from eva01.client.address import Address
from eva01.client.client import Client
from eva01.client.errors import ClientError
from eva01.client.files import find, name_of
from eva01.client.groups import GroupBy
from eva01.client.models import Batch


@click.command()
@click.argument(
    "inputs",
    nargs=-1,
    required=True,
    # One that cannot be read is a line in the results, beside the others.
    type=Input(path_type=Path, readable=False),
    metavar="FOLDER|FILE|ZIP|URL…",
)
@click.option("--question", "-q", default="", help="What to ask of every image.")
@click.option("--model", "-m", default=None, help="Which model to ask; see `eva01 models`.")
@max_new_tokens_option
@max_pixels_option
@fields_options
@logprobs_options
@sampling_options
@pages_options
@click.option(
    "--group-by",
    "by",
    type=click.Choice([by.value for by in GroupBy]),
    help="Ask about several images together: those of a folder, or those whose names are the same but for a"
    " number at their end (front_1.jpg, front_2.jpg).",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Write the results to a file: .csv, .jsonl, .xlsx or .parquet.",
)
@lines_option
@click.option("--name", default=None, help="A name for the batch; else the folder's.")
@click.option(
    "--batch",
    "batch_id",
    metavar="BATCH",
    help="Go on with a batch whose sending broke off; what it has already is not asked again.",
)
@click.option("--no-wait", is_flag=True, help="Send the images, print the batch's id, and go.")
@server_options
@json_option
def submit(
    inputs: tuple[Path | Address, ...],
    question: str,
    model: str | None,
    max_new_tokens: int | None,
    max_pixels: int | None,
    wanted: dict[str, Any],
    by: str | None,
    out: Path | None,
    lines: bool,
    name: str | None,
    batch_id: str | None,
    no_wait: bool,
    connect: Connect,
    as_json: bool,
) -> None:
    """Send images, wait, and show an answer for each.

    Folders are walked, linked ones too; what is no image there, by its name or by how it begins, is left
    out, and counted by kind. A file or a zip named on its own is sent whatever it is. The image at an
    address (https://…) is fetched by the server, where it may (EVA01_FETCH_ALLOW).

    Exit code 0 if every image has an answer, 1 if some have none or were not sent, 2 if nothing was sent.
    """
    if out and no_wait:
        raise click.UsageError("--out needs the results; it cannot be used with --no-wait.")
    if batch_id == "":
        raise click.UsageError("--batch names no batch. Write its id, or leave out --batch for a new one.")
    if batch_id and (question or model or name is not None or max_new_tokens or max_pixels or wanted):
        raise click.UsageError(
            "--batch has its question, model, fields, pixels, pages, logprobs, temperature, stops and name:"
            " leave them out."
        )
    group_by = GroupBy(by) if by else None
    if group_by and any(isinstance(one, Address) for one in inputs):
        raise click.UsageError("--group-by is for files; the image at an address is asked about by itself.")
    check_lines(out, lines=lines)
    check_logprobs(out, wanted)
    if out:
        steps.kind_of(out)
        steps.check_writable(out)
    found = find(inputs)
    # With --json, stdout is for programs only: tables go to stderr, and no progress is shown.
    console = Console(stderr=as_json)
    steps.say_what_is_left_out(console, found.left_out)
    first = name_of(inputs[0])
    called, top = name if name is not None else first, first if len(inputs) == 1 else ""
    task = Submission(found, question, model, called, max_new_tokens, wanted, max_pixels, group_by, top)
    with connect() as client:
        steps.say_what_is_together(console, client, task)
        batch = _open_batch(client, batch_id) if batch_id else steps.create_batch(console, client, task)
        steps.say_what_it_costs(console, task, batch)
        again = steps.again(inputs, batch.id, client.server, group_by)
        sys.exit(
            _run(
                *(client, task, batch, console),
                again=again,
                out=out,
                lines=lines,
                no_wait=no_wait,
                as_json=as_json,
            )
        )


def _run(
    client: Client,
    task: Submission,
    batch: Batch,
    console: Console,
    *,
    again: str,
    out: Path | None,
    lines: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    try:
        batch, sent = _send_and_wait(client, task, batch, console, no_wait=no_wait, as_json=as_json)
    except ClientError:
        say(console, f"Batch {batch.id} has what was sent before. Go on with it:  {again}")
        raise
    except KeyboardInterrupt:
        client.stop()
        say(console, f"Batch {batch.id} goes on without us with what was sent.")
        say(console, f"Look at it:  eva01 status {batch.id}")
        say(console, f"Stop it:     eva01 cancel {batch.id}")
        return INTERRUPTED
    if out:
        steps.save(client, batch.id, out, sent.unsent, lines=lines)
    if as_json:
        print_json(
            {**batch.to_json(), **sent.to_json(), "left_out": steps.left_out_json(task.found.left_out)}
        )
    elif no_wait:
        steps.say_what_was_not_sent(console, sent)
        but = f", but for {counted(len(sent.unsent), 'file')}" if sent.unsent else ""
        say(console, f"Batch {batch.id} is sent{but}. Look at it:  eva01 status {batch.id}")
    else:
        steps.show(console, client, batch, sent, out)
    steps.say_what_comes_later(console, sent, again)
    return steps.exit_code_of_sending(batch, sent.unsent) if no_wait else steps.exit_code(batch, sent.unsent)


def _send_and_wait(
    client: Client, task: Submission, batch: Batch, console: Console, *, no_wait: bool, as_json: bool
) -> tuple[Batch, Sent]:
    if as_json:
        return _follow(client, task, batch, Silence(), no_wait=no_wait)
    with shown(console) as watcher:
        return _follow(client, task, batch, watcher, no_wait=no_wait)


def _follow(
    client: Client, task: Submission, batch: Batch, watcher: Watcher, *, no_wait: bool
) -> tuple[Batch, Sent]:
    sent = steps.send(client, batch.id, task, watcher)
    return (client.batch(batch.id) if no_wait else steps.wait(client, batch.id, watcher, sent)), sent


def _open_batch(client: Client, batch_id: str) -> Batch:
    """Raises CommandError for one that takes no more files."""
    batch = client.batch(batch_id)
    if batch.state != "open":
        raise CommandError(
            "batch_closed", f"Batch {batch_id} is {batch.state} and takes no more files. Leave out --batch."
        )
    return batch
