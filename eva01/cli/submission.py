"""A folder in, a table and a file out: what `eva01 submit` and `eva01 up` do with a server."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from errno import EISDIR
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from rich.console import Console

from eva01.cli.errors import CommandError
from eva01.cli.pixels import cost_of
from eva01.cli.progress import Watcher
from eva01.cli.tables import say, show_jobs, show_outcome, show_unsent
from eva01.cli.text import counted, harmless
from eva01.cli.unsent import append_csv, append_jsonl, write_csv
from eva01.client.address import Address
from eva01.client.client import Client, server_of_environment
from eva01.client.errors import ClientError
from eva01.client.files import Found, Sendable, Together
from eva01.client.groups import GroupBy
from eva01.client.kinds import PICTURES, SPECIAL, LeftOut, by_kind, in_words
from eva01.client.models import Batch, PassedOver, Price, Upload, refused

#: The code of a server where a quota is used up, and does not renew soon.
_QUOTA = "quota_exceeded"
#: Endings of files that may have several images in them.
_SEVERAL = (".zip", ".pdf", ".tif", ".tiff")
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


class Kind(StrEnum):
    """What a file of results may be."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


_ENDINGS = {
    "": Kind.CSV,
    ".csv": Kind.CSV,
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
    ".xlsx": Kind.XLSX,
    ".parquet": Kind.PARQUET,
}
_WRITERS = {
    Kind.CSV: Client.results_csv,
    Kind.XLSX: Client.results_xlsx,
    Kind.PARQUET: Client.results_parquet,
}


@dataclass(frozen=True)
class Submission:
    """What is asked of which images."""

    found: Found
    question: str
    model: str | None
    name: str
    #: The longest answer, in tokens; None for the worker's setting.
    max_new_tokens: int | None = None
    #: What each answer has to be and to tell, and how it is drawn: `Wishes` of the client.
    wanted: Mapping[str, Any] = field(default_factory=dict)
    #: Pixels of each image that the model sees at most; None for the worker's setting.
    max_pixels: int | None = None
    #: What makes one job of several files, and what those in no folder are called then.
    group_by: GroupBy | None = None
    top: str = ""


@dataclass(frozen=True)
class Sent:
    """What became of the files that were sent, as far as people have to hear of it."""

    #: Those that did not become a job.
    unsent: tuple[Upload, ...] = ()
    #: Those that have another name in the batch than they were sent under, since another file has that.
    renamed: tuple[Upload, ...] = ()
    #: What zips had in them that is no job on purpose.
    passed_over: PassedOver = field(default_factory=PassedOver)

    @property
    def later(self) -> tuple[Upload, ...]:
        """Those that a quota has kept from being sent; their batch takes them still."""
        return tuple(upload for upload in self.unsent if _waits(upload))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "not_sent": [upload.to_json() for upload in self.unsent],
            "renamed": [{"file": upload.file, "sent_as": upload.sent_as} for upload in self.renamed],
            "passed_over": self.passed_over.to_json(),
        }


def say_what_is_left_out(console: Console, left_out: Sequence[LeftOut]) -> None:
    """What is not sent, by kind; pictures, and what is no file at all, are named."""
    kinds = by_kind(left_out)
    for kind in (*PICTURES, *SPECIAL):
        if names := kinds.get(kind):
            say(console, f"Left out {kind.counted(len(names))}: {_some(names)}. {kind.remedy}".rstrip())
    if others := [one for one in left_out if one.kind not in (*PICTURES, *SPECIAL)]:
        remedies = dict.fromkeys(one.kind.remedy for one in others if one.kind.remedy)
        say(console, " ".join([f"Left out {in_words(others)}.", *remedies]))


def say_what_is_together(console: Console, client: Client, submission: Submission) -> None:
    """Which files are one job, before they are sent.

    Raises ClientError where they are more than the server takes in one.
    """
    sent = client.jobs_of(submission.found.files, group_by=submission.group_by, top=submission.top)
    jobs = [job for job in sent if isinstance(job, Together)]
    if jobs:
        images = counted(sum(len(job.files) for job in jobs), "image")
        names = [f"{job.name} ({len(job.files)})" for job in jobs]
        say(console, f"Together: {images} in {counted(len(jobs), 'job')}: {_some(names)}")


def left_out_json(left_out: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """The same for programs."""
    kinds = by_kind(left_out)
    return [{"kind": kind.code, "count": len(names), "files": names} for kind, names in kinds.items()]


def say_what_comes_later(console: Console, sent: Sent, again: str) -> None:
    """What a quota has kept from being sent, when it renews, and the command that sends it then."""
    if sent.later:
        names = [upload.file for upload in sent.later]
        say(console, f"Not sent, since a quota is used up: {counted(len(names), 'file')}: {_some(names)}")
        said = sent.later[0].error
        say(console, f"{harmless(said.message if said else '')} Then send the rest:")
        say(console, f"    {again}")


def again(
    inputs: Sequence[Path | Address], batch_id: str, server: str, group_by: GroupBy | None = None
) -> str:
    """The command that goes on with a batch that takes files still."""
    how = ["--group-by", group_by.value] if group_by else []
    there = [] if server == server_of_environment() else ["--server", server]
    return shlex.join(["eva01", "submit", *map(str, inputs), "--batch", batch_id, *how, *there])


def say_what_is_otherwise(console: Console, sent: Sent) -> None:
    """One line about files with another name than they came under, and one about what zips had besides."""
    if sent.renamed:
        names = [f"{upload.sent_as} is {upload.file}" for upload in sent.renamed]
        count = counted(len(sent.renamed), "file")
        say(console, f"Under another name, as the path was taken: {count}: {_some(names)}")
    if sent.passed_over.count:
        hidden = counted(sent.passed_over.count, "hidden file")
        say(
            console,
            f"Passed over {hidden} in zips: {_some(sent.passed_over.examples, sent.passed_over.count)}",
        )


def create_batch(console: Console, client: Client, submission: Submission) -> Batch:
    """The open batch for a submission; says what unusual pixels cost, before images are sent."""
    cost = _cost(client, submission)
    batch = client.create_batch(
        submission.question,
        model=submission.model,
        name=submission.name,
        max_new_tokens=submission.max_new_tokens,
        max_pixels=submission.max_pixels,
        **submission.wanted,
    )
    if cost:
        say(console, cost)
    return batch


def say_what_it_costs(console: Console, submission: Submission, batch: Batch) -> None:
    """What the images that are about to be sent cost, where the model has a price."""
    if batch.price:
        known = " Those that the batch has already cost nothing more." if batch.total else ""
        say(console, _price_of(submission.found.files, batch.price) + known)


def _price_of(files: Sequence[Sendable], price: Price) -> str:
    """What the images cost; how many are in a file of several is known once it was sent."""
    are_more = any(file.name.lower().endswith(_SEVERAL) for file in files)
    more = " More where files have several images or pages." if are_more else ""
    cost, usual = harmless(price.of(len(files))), harmless(price.of(1000))
    return f"{counted(len(files), 'image')} cost {cost}, at {usual} for 1,000.{more}"


def _cost(client: Client, submission: Submission) -> str | None:
    """What the pixels that are asked for cost; None where none are, or as usual."""
    if not submission.max_pixels:
        return None
    model = next((one for one in client.models() if submission.model in (None, one.name)), None)
    return cost_of(submission.max_pixels, model) if model else None


def send(client: Client, batch_id: str, submission: Submission, watcher: Watcher) -> Sent:
    """Send all files and close the batch; where a quota is used up it is left open for the rest."""
    found, how = submission.found, {"group_by": submission.group_by, "top": submission.top}
    total = len(found.files)
    watcher.sent(0, total)
    outcomes: list[Upload] = []
    passed_over: list[PassedOver] = []
    through = 0
    try:
        for outcome in client.upload_found(batch_id, found, on_passed_over=passed_over.append, **how):
            outcomes.append(outcome)
            through += outcome.files_through
            # A zip counts as one file of `found`, but has an outcome for each of its entries.
            watcher.sent(max(0, min(through - len(found.unreadable), total - 1)), total)
    except ClientError as error:
        if error.code != _QUOTA:
            raise
        outcomes += _left(client, batch_id, error)
    else:
        client.close_batch(batch_id)
    sent = Sent(
        unsent=tuple(outcome for outcome in outcomes if outcome.job_id is None),
        renamed=tuple(one for one in outcomes if one.sent_as and not one.is_further_page),
        passed_over=sum(passed_over, PassedOver()),
    )
    missing = sum(outcome.files_through for outcome in sent.unsent) - len(found.unreadable)
    watcher.sent(max(0, total - max(0, missing)), total, is_last=True)
    return sent


def _left(client: Client, batch_id: str, quota: ClientError) -> list[Upload]:
    """What a quota has kept from being sent: of its last request some files may have been taken."""
    taken = {job.file for job in client.results(batch_id)}
    return [refused(name, quota) for name in quota.unsent if name not in taken]


def _waits(upload: Upload) -> bool:
    return upload.error is not None and upload.error.code == _QUOTA


def wait(client: Client, batch_id: str, watcher: Watcher, sent: Sent) -> Batch:
    """Wait until the batch is done, or all that was sent where it takes more later."""
    for batch in client.watch(batch_id):
        watcher.answered(batch)
        if sent.later and batch.finished >= batch.total:
            break
    return batch


def save(
    client: Client,
    batch_id: str,
    out: Path,
    unsent: Sequence[Upload] = (),
    *,
    kind: Kind | None = None,
    lines: bool = False,
) -> None:
    """Write all results into `out`, as `kind`, or as its name ends.

    What could not be sent has a row as well, in the state `not_sent`; where no row can be added, in a CSV
    beside `out`. Raises CommandError when nothing can be written there.
    """
    kind = kind or kind_of(out)
    try:
        if kind is Kind.JSONL:
            client.results_jsonl(batch_id, out, lines=lines)
        else:
            _WRITERS[kind](client, batch_id, out)
        if unsent:
            _append(out, kind, unsent)
    except OSError as error:
        raise _unwritable(out, error, f"They are kept: eva01 results {batch_id} --out FILE") from error


def _append(out: Path, kind: Kind, unsent: Sequence[Upload]) -> None:
    if kind is Kind.JSONL:
        append_jsonl(out, unsent)
    elif kind is Kind.CSV:
        append_csv(out, unsent)
    else:
        write_csv(out.with_name(f"{out.name}.not_sent.csv"), unsent)


def check_writable(out: Path) -> None:
    """Make the folder of a file of results that is yet to come.

    Raises CommandError when nothing can be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out.parent):
            if out.is_dir():
                raise IsADirectoryError(EISDIR, "It is a folder", str(out))
    except OSError as error:
        raise _unwritable(out, error, "Nothing was sent. Name another file with --out.") from error


def _unwritable(out: Path, error: OSError, remedy: str) -> CommandError:
    reason = error.strerror or str(error)
    return CommandError("unwritable", f"The results cannot be written to {out}: {reason}. {remedy}")


def kind_of(out: Path) -> Kind:
    """What results that go there are, by its name's ending; CSV where there is none.

    Raises CommandError for any other.
    """
    if kind := _ENDINGS.get(out.suffix.lower()):
        return kind
    known = ", ".join(filter(None, _ENDINGS))
    raise CommandError(
        "unknown_ending", f"{out}: results are not written as {out.suffix}. Name one of {known}."
    )


def show(console: Console, client: Client, batch: Batch, sent: Sent, out: Path | None) -> None:
    """The table of answers, what could not be sent, what is otherwise than it was sent, and the last line."""
    where = f" in {out}" if out else f": eva01 results {batch.id} --out results.csv"
    show_jobs(console, client.results(batch.id), batch.total, where, batch.fields)
    say_what_was_not_sent(console, sent)
    show_outcome(console, batch, len(sent.unsent))
    if out:
        say(console, f"Results: {out}")


def say_what_was_not_sent(console: Console, sent: Sent) -> None:
    """What could not be sent, but for what may be sent later, and what is otherwise than it was sent."""
    show_unsent(console, [upload for upload in sent.unsent if not _waits(upload)])
    say_what_is_otherwise(console, sent)


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


def _some(names: Sequence[str], count: int | None = None) -> str:
    """The first of `count` names, and how many more there are."""
    shown = [harmless(name) for name in names[:_MOST_NAMES]]
    more = (len(names) if count is None else count) - len(shown)
    return ", ".join([*shown, f"… and {more:,} more"] if more else shown)
