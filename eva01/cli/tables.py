"""Tables for people: answers, batches, models. Nothing in them is read as markup."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from eva01.cli.text import counted, duration, harmless, moment, shortened, unit_of
from eva01.client.models import Batch, Job, Model, Retried, Share, Upload

#: Fields that have a column; the results file has all of them.
_MOST_FIELDS = 8
#: Rows shown of a longer list; the results file has all of them.
LONGEST_TABLE = 40
#: What is to be known of an image, in few words.
_NOTES = {
    "first_frame": "first frame only",
    "first_page": "first page only",
    "image_incomplete": "image incomplete",
    "image_damaged": "image damaged",
}
#: Characters of a name, at most, that is not broken in a table.
_LONGEST_WHOLE = 24
#: What a link does in each of its states; behind it stands until when, or when.
_STATES = {"works": "works until", "ended": "ended", "revoked": "revoked"}
#: What may be taken, by the names of quotas.
_QUOTAS = {
    "requests_per_s": "{} requests/s",
    "open_jobs": "{} open jobs",
    "images_per_day": "{} images/day",
    "device_s_per_day": "{} s of the device/day",
}


def show_jobs(
    console: Console, jobs: Iterable[Job], total: int, where: str, fields: Sequence[str] = ()
) -> None:
    """A row for each file: its answer, or why it has none. `where` ends the line about further rows.

    Where answers have fields, each of the first few has a column.
    """
    rows = [*islice(jobs, LONGEST_TABLE)]
    console.print(_table_of_fields(rows, fields[:_MOST_FIELDS]) if fields else _table_of_answers(rows))
    if more := fields[_MOST_FIELDS:]:
        say(console, f"… and {counted(len(more), 'field')} more: {shortened(', '.join(more))}.")
    if total > LONGEST_TABLE:
        say(console, f"… and {total - LONGEST_TABLE:,} more{where}.")


def _table_of_answers(jobs: Sequence[Job]) -> Table:
    shown = table("file", "answer, or why there is none")
    for job in jobs:
        shown.add_row(_file_of(job), _noted(_outcome(job), job))
    return shown


def _table_of_fields(jobs: Sequence[Job], fields: Sequence[str]) -> Table:
    """A column for each field, and one for what else is to be said, if there is anything."""
    others = [_noted(Text("") if isinstance(job.data, dict) else _outcome(job), job) for job in jobs]
    last = ["notes"] if any(others) else []
    values = [[_field_of(job, field) for field in fields] for job in jobs]
    # What is a column's header is read as markup.
    titles = [escape(harmless(field)) for field in fields]
    numbers = [
        title
        for title, column in zip(titles, zip(*values, strict=True), strict=False)
        if _are_numbers(column)
    ]
    shown = table("file", *titles, *last, numbers=numbers)
    for job, row, other in zip(jobs, values, others, strict=True):
        cells = [Text(_said(value), overflow="fold") for value in row]
        shown.add_row(_file_of(job), *cells, *[other][: len(last)])
    return shown


def _file_of(job: Job) -> Text:
    several = f" ({counted(len(job.images), 'image')})" if job.images else ""
    return Text(f"{harmless(job.file)}{several}", overflow="fold")


def _field_of(job: Job, field: str) -> Any:
    return job.data.get(field) if isinstance(job.data, dict) else None


def _are_numbers(values: Iterable[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in there
    )


def _said(value: Any) -> str:
    """A field's value for people: nothing for null, the values of a list one after the other."""
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return shortened(", ".join(map(_said, value)))
    if value is None or isinstance(value, str):
        return shortened(value or "")
    return shortened(json.dumps(value, ensure_ascii=False))


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
    shown = table("link", "what it is", whole=("link",))
    for share in shares:
        at = share.revoked_at or share.expires_at
        texts = (
            f"{_STATES.get(share.state, share.state)} {moment(at) if at else ''}",
            f"made by {share.made_by}",
            f"last used {moment(share.last_used_at)}" if share.last_used_at else "not used",
            share.note,
        )
        shown.add_row(harmless(share.id), lines(map(harmless, texts)))
    console.print(shown)


def show_models(console: Console, models: Sequence[Model]) -> None:
    """A row for each model and what it can do."""
    shown = table("model", "workers", "max-pixels", "1,000 images", "what it does")
    for model in models:
        workers = "" if model.workers is None else str(model.workers)
        takes = model.max_pixels
        pixels = f"{takes.least:,} – {takes.most:,}" if takes else ""
        price = harmless(model.price.of(1000)) if model.price else ""
        shown.add_row(Text(harmless(model.name)), workers, pixels, price, Text(harmless(model.description)))
    console.print(shown)


def show_service(console: Console, service: Mapping[str, Any]) -> None:
    """A row for each model: what waits, what is held, and who works on it."""
    shown = table("model", "workers", "waiting", "held", "oldest wait")
    for model in service["models"]:
        wait_s = model.get("oldest_wait_s")
        numbers = (str(model.get(field, "")) for field in ("workers", "waiting", "held"))
        shown.add_row(
            Text(harmless(str(model.get("name", "")))), *numbers, duration(wait_s) if wait_s else ""
        )
    console.print(shown)
    if trouble := service.get("trouble"):
        say(console, shortened(str(trouble)))


def show_usage(console: Console, usage: Mapping[str, Any]) -> None:
    """A row for each day and owner, and one for all; then what is open, and the quotas that the key has."""
    numbers = ("images", "answered", "tokens", "device")
    whose = ["day (UTC), owner"] if are_short(str(row.get("owner", "")) for row in usage["days"]) else []
    shown = table("day (UTC), owner", *numbers, "others", whole=(*whose, *numbers), numbers=numbers)
    rows = [*usage["days"], {"day": "sum", **usage["sum"]}]
    for row in rows if usage["days"] else ():
        who = (harmless(str(row.get(field, ""))) for field in ("day", "owner"))
        counts = (f"{row.get(field, 0):,}" for field in ("taken", "succeeded", "output_tokens"))
        others = (f"{row[state]:,} {state}" for state in ("failed", "cancelled", "open") if row.get(state))
        shown.add_row(lines(who), *counts, f"{row.get('device_s', 0):,.1f} s", lines(others))
    console.print(shown)
    if usage.get("next_to"):
        say(console, f"There is more: --to {harmless(str(usage['next_to']))}")
    for owner in usage["owners"]:
        if owner.get("open_jobs"):
            name = harmless(str(owner.get("owner", "")))
            say(console, f"{name} has {counted(owner['open_jobs'], 'open job')} now.")
    if quotas := in_words(usage.get("quotas") or {}):
        say(console, f"Quotas: {quotas}.")


def show_outcome(console: Console, batch: Batch, unsent: int = 0) -> None:
    """How a batch ended, one line; and `show_cut_short`."""
    without = batch.total - batch.succeeded
    not_sent = f", {unsent:,} not sent" if unsent else ""
    say(console, f"{counted(batch.succeeded, unit_of(batch))} answered, {without:,} not{not_sent}.")
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


def show_left(console: Console, batch: Retried) -> None:
    """How many failed jobs a retry has left as they are, one line; nothing when it has left none."""
    if left := batch.left_cut_short:
        was, it = ("was", "it") if left == 1 else ("were", "they")
        say(
            console,
            f"{counted(left, 'answer')} {was} cut and left alone: {it} would be cut again."
            " Ask again with more:  eva01 submit … --max-new-tokens NUMBER",
        )


def say(console: Console, line: str) -> None:
    """Print a line as it is, without wrapping, markup or colors."""
    console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def in_words(quotas: Mapping[str, float | None]) -> str:
    """What a key may take, in few words; empty where nothing is limited."""
    limits = {name: _number(limit) for name, limit in quotas.items() if limit is not None}
    said = (_QUOTAS.get(name, f"{{}} {name}").format(limit) for name, limit in limits.items())
    return harmless(", ".join(said))


def are_short(texts: Iterable[str]) -> bool:
    """True when a column of a table has room for all of them, each in one line, in 80 characters, too."""
    return all(len(text) <= _LONGEST_WHOLE for text in texts)


def table(*headers: str, whole: Collection[str] = (), numbers: Collection[str] = ()) -> Table:
    """An empty table; a line of the columns `whole` is never broken, and `numbers` stand to the right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for header in headers:
        made.add_column(header, overflow="fold", no_wrap=header in whole)
        if header in numbers:
            made.columns[-1].justify = "right"
    return made


def _number(value: float) -> str:
    return f"{int(value) if value == int(value) else value:,}"


def lines(texts: Iterable[str]) -> Text:
    """Some texts below each other, without those that are empty."""
    return Text("\n".join(filter(None, texts)))


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
