"""A folder in, a table and a file out: what `eva01 submit` and `eva01 up` do with a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from eva01.cli.progress import Watcher
from eva01.cli.tables import say, show_jobs, show_outcome, show_unsent
from eva01.cli.text import counted, harmless
from eva01.client.client import Client
from eva01.client.files import Found, InputFile
from eva01.client.models import Batch, Upload

#: Every image has an answer.
ALL_ANSWERED = 0
#: Some image has none.
SOME_FAILED = 1
#: Nothing could be done.
COULD_NOT_RUN = 2
#: Ctrl-C before the end.
INTERRUPTED = 130


@dataclass(frozen=True)
class Submission:
    """What is asked of which images."""

    found: Found
    question: str
    model: str | None
    name: str


def say_what_is_skipped(console: Console, skipped: Sequence[str]) -> None:
    """One line about files that are no images, if there are any."""
    if skipped:
        names = ", ".join(harmless(name) for name in skipped[:3]) + (", …" if len(skipped) > 3 else "")
        say(console, f"Left out {counted(len(skipped), 'file')} (no images): {names}")


def create_batch(client: Client, submission: Submission) -> Batch:
    """The open batch for a submission."""
    return client.create_batch(submission.question, model=submission.model, name=submission.name)


def send(client: Client, batch_id: str, files: Sequence[InputFile], watcher: Watcher) -> list[Upload]:
    """Send all files and close the batch; gives those that did not become a job."""
    watcher.sent(0, len(files))
    outcomes: list[Upload] = []
    for outcome in client.upload_files(batch_id, files):
        outcomes.append(outcome)
        # A zip is one file here and many there.
        watcher.sent(min(len(outcomes), len(files) - 1), len(files))
    client.close_batch(batch_id)
    watcher.sent(len(files), len(files))
    return [outcome for outcome in outcomes if outcome.job_id is None]


def wait(client: Client, batch_id: str, watcher: Watcher) -> Batch:
    """Wait until the batch is done."""
    for batch in client.watch(batch_id):
        watcher.answered(batch)
    return batch


def save(client: Client, batch_id: str, out: Path, *, lines: bool = False) -> None:
    """Write all results into `out`: JSON lines when it ends so, CSV otherwise."""
    if is_jsonl(out):
        client.results_jsonl(batch_id, out, lines=lines)
    else:
        client.results_csv(batch_id, out)


def is_jsonl(out: Path) -> bool:
    """True when results that go there are JSON lines."""
    return out.suffix.lower() in (".jsonl", ".ndjson")


def show(console: Console, client: Client, batch: Batch, unsent: Sequence[Upload], out: Path | None) -> None:
    """The table of answers, what could not be sent, and the last line."""
    where = f" in {out}" if out else f": eva01 results {batch.id} --out results.csv"
    show_jobs(console, client.results(batch.id), batch.total, where)
    show_unsent(console, unsent)
    show_outcome(console, batch)
    if out:
        say(console, f"Results: {out}")


def exit_code(batch: Batch, unsent: Sequence[Upload] = ()) -> int:
    """0 only if every image has an answer."""
    is_whole = batch.is_done and not unsent and 0 < batch.total == batch.succeeded
    return ALL_ANSWERED if is_whole else SOME_FAILED
