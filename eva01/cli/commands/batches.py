"""`eva01 status`, `results`, `cancel`, `retry` and `delete`: commands about batches that exist."""

import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from eva01.cli.commands.options import (
    Connect,
    check_lines,
    json_option,
    lines_option,
    print_json,
    server_options,
)
from eva01.cli.errors import CommandError
from eva01.cli.submission import Kind, exit_code, kind_of, save
from eva01.cli.tables import say, show_batch, show_cut_short, show_jobs, show_left, show_outcome, show_service
from eva01.client.client import Client
from eva01.client.models import Batch

_STATES = ("queued", "running", "succeeded", "failed", "cancelled")


@click.command()
@click.argument("batch_id", metavar="[BATCH]", required=False)
@server_options
@json_option
def status(batch_id: str | None, connect: Connect, as_json: bool) -> None:
    """How far BATCH is; without it, what waits and who works."""
    with connect() as client:
        if batch_id:
            _show(client.batch(batch_id), as_json=as_json)
        else:
            _show_service(client.status(), as_json=as_json)


@click.command()
@click.argument("batch_id", metavar="BATCH")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Write them to a file.")
@click.option(
    "--format",
    "kind",
    type=click.Choice([*map(str, Kind)]),
    help="What to write; else --out says it by its ending, or it is CSV. Without --out it goes to stdout.",
)
@lines_option
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state (not with --out).")
@server_options
@json_option
def results(
    batch_id: str,
    out: Path | None,
    kind: str | None,
    lines: bool,
    state: str | None,
    connect: Connect,
    as_json: bool,
) -> None:
    """The answers of BATCH; --json prints one job a line. Exit code 1 if an image has none."""
    if (out or kind) and state:
        raise click.UsageError("--out and --format write all results; they cannot be used with --state.")
    if kind and as_json and not out:
        raise click.UsageError("--format and --json both print; give one of them, or name a file with --out.")
    chosen = Kind(kind) if kind else kind_of(out) if out else None
    check_lines(out, chosen, lines=lines)
    with connect() as client:
        batch = client.batch(batch_id)
        if out:
            save(client, batch_id, out, kind=chosen, lines=lines)
        if chosen and not out:
            _print_file(client, batch_id, chosen)
        elif as_json:
            for job in client.results(batch_id, state=state):
                print_json(job.to_json())
        elif not out:
            _show_results(client, batch, state)
        else:
            show_cut_short(Console(), batch)
            say(Console(), f"Results: {out}")
    sys.exit(exit_code(batch))


@click.command()
@click.argument("batch_id", metavar="BATCH")
@server_options
@json_option
def cancel(batch_id: str, connect: Connect, as_json: bool) -> None:
    """Cancel what has no answer yet in BATCH."""
    with connect() as client:
        _show(client.cancel_batch(batch_id), as_json=as_json)


@click.command()
@click.argument("batch_id", metavar="BATCH")
@server_options
@json_option
def retry(batch_id: str, connect: Connect, as_json: bool) -> None:
    """Run the failed images of BATCH again, but for those whose answers were cut."""
    with connect() as client:
        batch = client.retry_batch(batch_id)
    _show(batch, as_json=as_json)
    if not as_json:
        show_left(Console(), batch)


@click.command()
@click.argument("batch_ids", metavar="BATCH…", nargs=-1, required=True)
@click.option("--yes", "-y", "is_sure", is_flag=True, help="Do not ask.")
@server_options
@json_option
def delete(batch_ids: tuple[str, ...], is_sure: bool, connect: Connect, as_json: bool) -> None:
    """Delete each BATCH with its answers, and the images that no other job uses; what runs is cancelled."""
    # With --json, stdout is for programs only: the confirmation goes to stderr.
    console = Console(stderr=as_json)
    with connect() as client:
        found = [client.batch(batch_id) for batch_id in dict.fromkeys(batch_ids)]
        if not is_sure and not _is_confirmed(console, found):
            raise CommandError("not_confirmed", "Nothing is deleted.")
        for batch in found:
            client.delete_batch(batch.id)
            if not as_json:
                say(console, f"Batch {batch.id} is deleted.")
    if as_json:
        print_json({"deleted": [batch.id for batch in found]})


def _is_confirmed(console: Console, found: Sequence[Batch]) -> bool:
    for batch in found:
        show_batch(console, batch)
    return click.confirm("Delete this, with all answers and the images that no other job uses?", err=True)


def _show(batch: Batch, *, as_json: bool) -> None:
    if as_json:
        print_json(batch.to_json())
    else:
        show_batch(Console(), batch)


def _print_file(client: Client, batch_id: str, kind: Kind) -> None:
    """Raises UsageError for what is no text, where it would go to a terminal."""
    stdout = sys.stdout.buffer
    if kind in (Kind.XLSX, Kind.PARQUET) and stdout.isatty():
        raise click.UsageError(f"{kind} is no text; name a file with --out, or lead stdout to one.")
    with TemporaryDirectory() as folder:
        file = Path(folder, "results")
        save(client, batch_id, file, kind=kind)
        with file.open("rb") as source:
            copyfileobj(source, stdout)
    stdout.flush()


def _show_results(client: Client, batch: Batch, state: str | None) -> None:
    console = Console()
    total = batch.counts.get(state, 0) if state else batch.total
    show_jobs(console, client.results(batch.id, state=state), total, " with --out results.csv", batch.fields)
    show_outcome(console, batch)


def _show_service(service: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(service)
        return
    show_service(Console(), service)
