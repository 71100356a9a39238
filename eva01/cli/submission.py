"""A folder in, a table and a file out: what `eva01 submit` and `eva01 up` do with a server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from eva01.cli.progress import Watcher
from eva01.cli.tables import say, show_jobs, show_outcome, show_unsent
from eva01.cli.text import counted, harmless
from eva01.client.client import Client
from eva01.client.files import Found, InputFile
from eva01.client.models import Batch, PassedOver, Upload

#: Every image has an answer.
ALL_ANSWERED = 0
#: Some image has none.
SOME_FAILED = 1
#: Nothing could be done.
COULD_NOT_RUN = 2
#: Ctrl-C before the end.
INTERRUPTED = 130
#: Files that stand for all of their kind in one line.
_NAMED = 3


@dataclass(frozen=True)
class Submission:
    """What is asked of which images."""

    found: Found
    question: str
    model: str | None
    name: str
    #: The longest answer, in tokens; None for the worker's setting.
    max_new_tokens: int | None = None


@dataclass(frozen=True)
class Sent:
    """What became of the files that were sent, as far as people have to hear of it."""

    #: Those that did not become a job.
    unsent: tuple[Upload, ...] = ()
    #: Those that have another name in the batch than they were sent under, since another file has that.
    renamed: tuple[Upload, ...] = ()
    #: What zips had in them that is no job on purpose.
    passed_over: PassedOver = field(default_factory=PassedOver)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "not_sent": [upload.to_json() for upload in self.unsent],
            "renamed": [{"file": upload.file, "sent_as": upload.sent_as} for upload in self.renamed],
            "passed_over": self.passed_over.to_json(),
        }


def say_what_is_skipped(console: Console, skipped: Sequence[str]) -> None:
    """One line about files that are no images, if there are any."""
    if skipped:
        say(console, f"Left out {counted(len(skipped), 'file')} (no images): {_some(skipped, len(skipped))}")


def say_what_is_otherwise(console: Console, sent: Sent) -> None:
    """One line about files with another name than they came under, and one about what zips had besides."""
    if sent.renamed:
        names = [f"{upload.sent_as} is {upload.file}" for upload in sent.renamed[:_NAMED]]
        count = counted(len(sent.renamed), "file")
        say(console, f"Under another name, as the path was taken: {count}: {_some(names, len(sent.renamed))}")
    if sent.passed_over.count:
        some = _some(sent.passed_over.examples, sent.passed_over.count)
        say(console, f"Passed over {counted(sent.passed_over.count, 'hidden file')} in zips: {some}")


def _some(names: Sequence[str], count: int) -> str:
    """The first of `count` names."""
    return ", ".join(harmless(name) for name in names[:_NAMED]) + (", …" if count > _NAMED else "")


def create_batch(client: Client, submission: Submission) -> Batch:
    """The open batch for a submission."""
    return client.create_batch(
        submission.question,
        model=submission.model,
        name=submission.name,
        max_new_tokens=submission.max_new_tokens,
    )


def send(client: Client, batch_id: str, files: Sequence[InputFile], watcher: Watcher) -> Sent:
    """Send all files and close the batch."""
    watcher.sent(0, len(files))
    outcomes: list[Upload] = []
    passed_over: list[PassedOver] = []
    through = 0
    for outcome in client.upload_files(batch_id, files, on_passed_over=passed_over.append):
        outcomes.append(outcome)
        through += not outcome.is_further_page
        # A zip is one file here and many there.
        watcher.sent(min(through, len(files) - 1), len(files))
    client.close_batch(batch_id)
    watcher.sent(len(files), len(files))
    return Sent(
        unsent=tuple(outcome for outcome in outcomes if outcome.job_id is None),
        renamed=tuple(one for one in outcomes if one.sent_as and not one.is_further_page),
        passed_over=sum(passed_over, PassedOver()),
    )


def wait(client: Client, batch_id: str, watcher: Watcher) -> Batch:
    """Wait until the batch is done."""
    for batch in client.watch(batch_id):
        watcher.answered(batch)
    return batch


def save(client: Client, batch_id: str, out: Path) -> None:
    """Write all results into `out`: JSON lines when it ends so, CSV otherwise."""
    write = client.results_jsonl if out.suffix.lower() in (".jsonl", ".ndjson") else client.results_csv
    write(batch_id, out)


def show(console: Console, client: Client, batch: Batch, sent: Sent, out: Path | None) -> None:
    """The table of answers, what could not be sent, what is otherwise than it was sent, and the last line."""
    where = f" in {out}" if out else f": eva01 results {batch.id} --out results.csv"
    show_jobs(console, client.results(batch.id), batch.total, where)
    show_unsent(console, sent.unsent)
    say_what_is_otherwise(console, sent)
    show_outcome(console, batch)
    if out:
        say(console, f"Results: {out}")


def exit_code(batch: Batch, unsent: Sequence[Upload] = ()) -> int:
    """0 only if every image has an answer."""
    is_whole = batch.is_done and not unsent and 0 < batch.total == batch.succeeded
    return ALL_ANSWERED if is_whole else SOME_FAILED
