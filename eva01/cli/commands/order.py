"""`eva01 batch`: a file of requests in, files of answers and errors out."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from eva01.cli.commands.options import Connect, Duration, json_option, print_json, server_options
from eva01.cli.submission import INTERRUPTED, check_writable
from eva01.cli.tables import say
from eva01.cli.text import counted, harmless
from eva01.client.client import Client
from eva01.client.orders import Ordered

#: What OpenAI's API allows, in seconds.
_SHORTEST_S, _LONGEST_S = 3600, 30 * 86_400


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE.jsonl")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Where to write the answers.  [default: FILE.answers.jsonl]",
)
@click.option(
    "--errors", type=click.Path(path_type=Path), help="And the errors.  [default: FILE.errors.jsonl]"
)
@click.option(
    "--expires-after",
    type=Duration(_SHORTEST_S, _LONGEST_S),
    metavar="TIME",
    help="How long the server keeps FILE, and, once it is done, the batch with its answers: 3600 (s), 36h,"
    " 7d; an hour to 30 days.  [default: as it keeps any]",
)
@server_options
@json_option
def batch(
    file: Path,
    out: Path | None,
    errors: Path | None,
    expires_after: int | None,
    connect: Connect,
    as_json: bool,
) -> None:
    """Answer a file of requests, one a line, as OpenAI's API for batches has them.

    Exit code 0 if every request has an answer, 1 if some have none, 2 if nothing was sent.
    """
    answers_to, errors_to = (
        out or file.with_suffix(".answers.jsonl"),
        errors or file.with_suffix(".errors.jsonl"),
    )
    if len({path.resolve() for path in (file, answers_to, errors_to)}) < 3:
        raise click.UsageError("FILE, --out and --errors are three files: one would be written over another.")
    for target in (answers_to, errors_to):
        check_writable(target)
    console = Console(stderr=as_json)
    with connect() as client:
        ordered = client.orders.create(file, expires_after=expires_after)
        try:
            done = _watch(client, ordered, console)
        except KeyboardInterrupt:
            client.stop()
            say(console, f"Batch {_own_id(ordered)} goes on without us.")
            say(console, f"Look at it:  eva01 status {_own_id(ordered)}")
            sys.exit(INTERRUPTED)
        for file_id, target in ((done.output_file_id, answers_to), (done.error_file_id, errors_to)):
            if file_id:
                client.orders.save(file_id, target)
                say(console, f"{'Answers' if target is answers_to else 'Errors'}: {target}")
        made = client.batch(_own_id(done))
    counts = done.request_counts
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        have = "request has" if counts.total == 1 else "requests have"
        say(console, f"{counts.completed:,} of {counts.total:,} {have} an answer ({done.status}).")
    if made.price and not as_json:
        say(console, f"Its model costs {harmless(made.price.of(1000))} for 1,000 images.")
    if cut_short := made.cut_short:
        are = "is" if cut_short == 1 else "are"
        said = f"{counted(cut_short, 'answer')} {are} cut short: the lines want a larger max_tokens."
        say(Console(stderr=as_json), said)
    sys.exit(0 if done.status == "completed" and counts.completed == counts.total else 1)


def _watch(client: Client, ordered: Ordered, console: Console) -> Ordered:
    """Show how far it is until it is done: a bar on a terminal, else nothing."""
    columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Answering")
        seen = ordered
        for seen in client.orders.watch(ordered.id):
            counts = seen.request_counts
            progress.update(task, total=counts.total, completed=counts.completed + counts.failed)
    return seen


def _own_id(ordered: Ordered) -> str:
    """Its id for the other commands."""
    return ordered.id.removeprefix("batch_")
