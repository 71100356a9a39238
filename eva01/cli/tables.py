"""Tables for people: answers, batches, models. Nothing in them is read as markup."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eva01.cli.text import counted, duration, harmless, shortened
from eva01.client.models import Batch, Job, Model, Share, Upload

#: Rows shown of a longer list; the results file has all of them.
LONGEST_TABLE = 40
#: What is to be known of an image, in few words.
_NOTES = {
    "first_frame": "first frame only",
    "first_page": "first page only",
    "image_incomplete": "image incomplete",
    "image_damaged": "image damaged",
}


def show_jobs(console: Console, jobs: Iterable[Job], total: int, where: str) -> None:
    """A row for each file: its answer, or why it has none. `where` ends the line about further rows."""
    table = _table("file", "answer, or why there is none")
    for job in islice(jobs, LONGEST_TABLE):
        table.add_row(Text(harmless(job.file), overflow="fold"), _noted(_outcome(job), job))
    console.print(table)
    if total > LONGEST_TABLE:
        say(console, f"… and {total - LONGEST_TABLE:,} more{where}.")


def show_unsent(console: Console, uploads: Sequence[Upload]) -> None:
    """A line for each file that could not be sent."""
    for upload in uploads[:LONGEST_TABLE]:
        file, reason = harmless(upload.file), shortened(upload.error.message if upload.error else "no reason")
        say(console, f"Not sent: {reason if reason.startswith(file) else f'{file}: {reason}'}")
    if len(uploads) > LONGEST_TABLE:
        say(console, f"… and {len(uploads) - LONGEST_TABLE:,} more.")


def show_batch(console: Console, batch: Batch) -> None:
    """A batch's counters, one line."""
    parts = [f"{count:,} {state}" for state, count in batch.counts.items() if count]
    if batch.cut_short:
        parts.append(f"{batch.cut_short:,} cut short")
    if batch.rate_per_s and not batch.is_done:
        parts.append(f"{batch.rate_per_s:.2g}/s")
    if batch.time_left_s is not None:
        parts.append(f"{duration(batch.time_left_s)} left")
    name = f" ({harmless(batch.name)})" if batch.name else ""
    state = "done" if batch.is_done else batch.state
    say(console, f"Batch {batch.id}{name}, {state}: {', '.join(parts) or 'no images yet'}.")


def show_shares(console: Console, shares: Sequence[Share]) -> None:
    """A row for each link to a batch."""
    table = _table("link", "state", "until", "last used", "made by", "what it is for")
    # It is copied from here, to be revoked.
    table.columns[0].no_wrap = True
    for share in shares:
        times = (_moment(at) for at in (share.revoked_at or share.expires_at, share.last_used_at))
        words = (Text(harmless(text)) for text in (share.made_by, share.note))
        table.add_row(share.id, share.state, *times, *words)
    console.print(table)


def show_models(console: Console, models: Sequence[Model]) -> None:
    """A row for each model and what it can do."""
    table = _table("model", "workers", "what it does")
    for model in models:
        workers = "" if model.workers is None else str(model.workers)
        table.add_row(Text(harmless(model.name)), workers, Text(harmless(model.description)))
    console.print(table)


def show_service(console: Console, service: Mapping[str, Any]) -> None:
    """A row for each model: what waits, what is held, and who works on it."""
    table = _table("model", "workers", "waiting", "held", "oldest wait")
    for model in service["models"]:
        wait_s = model.get("oldest_wait_s")
        numbers = (str(model.get(field, "")) for field in ("workers", "waiting", "held"))
        table.add_row(
            Text(harmless(str(model.get("name", "")))), *numbers, duration(wait_s) if wait_s else ""
        )
    console.print(table)
    if trouble := service.get("trouble"):
        say(console, shortened(str(trouble)))


def show_usage(console: Console, usage: Mapping[str, Any]) -> None:
    """A row for each day and owner, and one for all; then what is open, and the quotas that the key has."""
    counts = ("taken", "succeeded", "failed", "cancelled", "open", "output_tokens")
    table = _table("day", "owner", "taken", "answered", "failed", "cancelled", "open", "tokens", "device")
    rows = [*usage["days"], {"day": "sum", **usage["sum"]}]
    for row in rows if usage["days"] else ():
        who = (harmless(str(row.get(field, ""))) for field in ("day", "owner"))
        numbers = (f"{row.get(field, 0):,}" for field in counts)
        table.add_row(*map(Text, who), *numbers, f"{row.get('device_s', 0):,.1f} s")
    console.print(table)
    if usage.get("next_to"):
        say(console, f"There is more: --to {harmless(str(usage['next_to']))}")
    for owner in usage["owners"]:
        if owner.get("open_jobs"):
            name = harmless(str(owner.get("owner", "")))
            say(console, f"{name} has {counted(owner['open_jobs'], 'open job')} now.")
    quotas = {name: limit for name, limit in (usage.get("quotas") or {}).items() if limit is not None}
    if quotas:
        say(console, f"Quotas: {', '.join(f'{harmless(name)} {limit:,}' for name, limit in quotas.items())}.")


def show_outcome(console: Console, batch: Batch, unsent: int = 0) -> None:
    """How a batch ended, one line; and `show_cut_short`."""
    without = batch.total - batch.succeeded
    not_sent = f", {unsent:,} not sent" if unsent else ""
    say(console, f"{counted(batch.succeeded, 'image')} answered, {without:,} not{not_sent}.")
    show_cut_short(console, batch)


def show_cut_short(console: Console, batch: Batch) -> None:
    """How many answers are cut short and what to do about that, one line; nothing when all are whole."""
    if batch.cut_short:
        are = "is" if batch.cut_short == 1 else "are"
        say(
            console,
            f"{counted(batch.cut_short, 'answer')} {are} cut short."
            " Ask again with more:  eva01 submit … --max-new-tokens NUMBER",
        )


def say(console: Console, line: str) -> None:
    """Print a line as it is, without wrapping, markup or colors."""
    console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else ""


def _table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _outcome(job: Job) -> Text:
    if job.answer:
        answer = Text(shortened(job.answer), overflow="fold")
        return answer.append(" (cut short)", style="yellow") if job.is_cut_short else answer
    reason = f"{job.error.message} ({job.error.code})" if job.error else job.state
    return Text(shortened(reason), style="red", overflow="fold")


def _noted(outcome: Text, job: Job) -> Text:
    """An outcome, and what to know of the image it is about."""
    for note in job.notes:
        outcome.append(f" [{_NOTES.get(note, harmless(note))}]", style="yellow")
    return outcome
