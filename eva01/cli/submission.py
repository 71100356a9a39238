"""A folder in, a table and a file out: what `eva01 submit` and `eva01 up` do with a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from eva01.cli.progress import Watcher
from eva01.cli.tables import say, show_jobs, show_outcome, show_unsent
from eva01.cli.text import harmless
from eva01.cli.unsent import append_csv, append_jsonl
from eva01.client.client import Client
from eva01.client.files import Found
from eva01.client.kinds import PICTURES, SPECIAL, LeftOut, by_kind, in_words
from eva01.client.models import Batch, Upload

#: Names of one kind that are said.
_MOST_NAMES = 12
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


def say_what_is_left_out(console: Console, left_out: Sequence[LeftOut]) -> None:
    """What is not sent, by kind; pictures, and what is no file at all, are named."""
    kinds = by_kind(left_out)
    for kind in (*PICTURES, *SPECIAL):
        if names := kinds.get(kind):
            say(console, f"Left out {kind.counted(len(names))}: {_some(names)}. {kind.remedy}".rstrip())
    if others := [one for one in left_out if one.kind not in (*PICTURES, *SPECIAL)]:
        remedies = dict.fromkeys(one.kind.remedy for one in others if one.kind.remedy)
        say(console, " ".join([f"Left out {in_words(others)}.", *remedies]))


def left_out_json(left_out: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """The same for programs."""
    kinds = by_kind(left_out)
    return [{"kind": kind.code, "count": len(names), "files": names} for kind, names in kinds.items()]


def create_batch(client: Client, submission: Submission) -> Batch:
    """The open batch for a submission."""
    return client.create_batch(submission.question, model=submission.model, name=submission.name)


def send(client: Client, batch_id: str, found: Found, watcher: Watcher) -> list[Upload]:
    """Send all files and close the batch; gives those that did not become a job, and what cannot be read."""
    total = len(found.files)
    watcher.sent(0, total)
    outcomes: list[Upload] = []
    for outcome in client.upload_found(batch_id, found):
        outcomes.append(outcome)
        # A zip is one file here and many there.
        watcher.sent(max(0, min(len(outcomes) - len(found.unreadable), total - 1)), total)
    client.close_batch(batch_id)
    unsent = [outcome for outcome in outcomes if outcome.job_id is None]
    total -= max(0, len(unsent) - len(found.unreadable))
    watcher.sent(total, total)
    return unsent


def wait(client: Client, batch_id: str, watcher: Watcher) -> Batch:
    """Wait until the batch is done."""
    for batch in client.watch(batch_id):
        watcher.answered(batch)
    return batch


def save(client: Client, batch_id: str, out: Path, unsent: Sequence[Upload] = ()) -> None:
    """Write all results into `out`: JSON lines when it ends so, CSV otherwise.

    What could not be sent has a row as well, in the state `not_sent`.
    """
    is_jsonl = out.suffix.lower() in (".jsonl", ".ndjson")
    (client.results_jsonl if is_jsonl else client.results_csv)(batch_id, out)
    if unsent:
        (append_jsonl if is_jsonl else append_csv)(out, unsent)


def show(console: Console, client: Client, batch: Batch, unsent: Sequence[Upload], out: Path | None) -> None:
    """The table of answers, what could not be sent, and the last line."""
    where = f" in {out}" if out else f": eva01 results {batch.id} --out results.csv"
    show_jobs(console, client.results(batch.id), batch.total, where)
    show_unsent(console, unsent)
    show_outcome(console, batch, len(unsent))
    if out:
        say(console, f"Results: {out}")


def exit_code(batch: Batch, unsent: Sequence[Upload] = ()) -> int:
    """0 only if every image has an answer; 2 if not one could be sent."""
    if unsent and not batch.total:
        return COULD_NOT_RUN
    is_whole = batch.is_done and not unsent and 0 < batch.total == batch.succeeded
    return ALL_ANSWERED if is_whole else SOME_FAILED


def exit_code_of_sending(batch: Batch, unsent: Sequence[Upload]) -> int:
    """0 only if every file became a job; 2 if not one did."""
    if not unsent:
        return ALL_ANSWERED
    return SOME_FAILED if batch.total else COULD_NOT_RUN


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = [harmless(name) for name in names[:_MOST_NAMES]]
    return ", ".join([*shown, f"… and {more:,} more"] if more > 0 else shown)
