"""Records as Redis keeps them, and what is computed from them.

A record is a hash of texts. It is kept short, because there may be millions: its id is in its key, defaults
are left out, and so is what a job shares with its batch (`SHARED`), and a time that its id says as well.

Fields that this version does not know are kept as they are: a text stays a text, and what the journal has as
a list or an object is JSON here.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from jobs.contract.models import Batch, Job, JobState, made_at

#: What the scripts leave out of a job's record when it is the same in its batch's.
SHARED = ("question", "model", "options", "owner")
#: Fields kept as JSON in a record; and lists, joined by commas. All others are plain text.
_JSON_FIELDS = ("options", "usage", "error", "marks", "field_confidence", "files", "looks")
_LISTS = ("images", "media_types", "notes")
#: What version 0.1.0 called what is a list now.
_OLD_NAMES = {"image": "images", "media_type": "media_types"}
_DEFAULTS = {
    "attempts": 0,
    "crashes": 0,
    "cached": False,
    "is_refused": False,
    "hears_pieces": True,
    "images": [],
    "media_types": [],
    "notes": [],
    "files": [],
    "looks": [],
}
#: Those of a batch's record that are the scripts', and those that are computed; so are all with a colon.
_NOT_THE_BATCHS = frozenset(
    {
        *("counts", "rate_per_s", "layout", "sequence", "last_change"),
        *("pending", "pending_sets", "sorted_to", "removed_at", "days"),
    }
)
#: Finish times further apart than this many seconds are not part of the same run of work.
_RATE_WINDOW_S = 60.0

Record = Mapping[str, str]
#: What a job has in common with its batch: SHARED, each None when the batch does not say.
Shared = Sequence[str | None]


def as_text(record: Mapping[str, Any]) -> dict[Any, str]:
    """A record's JSON values as the texts that Redis keeps."""
    return {field: value if type(value) is str else _text(field, value) for field, value in record.items()}


def _text(field: str, value: Any) -> str:
    if field in _LISTS:
        return ",".join(value)
    if field in _JSON_FIELDS or isinstance(value, (dict, list)):
        return json.dumps(value)
    return "1" if value is True else str(value)


def from_text(record: Record) -> dict[str, Any]:
    """The opposite of `as_text`, as far as a model's validation needs it."""
    return upgraded(dict(record))


def upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    """A job's fields as they are called now, whichever version wrote them, here or in the journal."""
    _read_json(fields)
    for old, new in _OLD_NAMES.items():
        if old in fields:
            fields[new] = fields.pop(old)
    for name in _LISTS:
        if isinstance(value := fields.get(name), str):
            fields[name] = value.split(",") if value else []
        elif value is None:
            fields.pop(name, None)
    if fields.get("state") == JobState.FAILED and not fields.get("images"):
        # Version 0.1.0 told a refused file by the lack of an image.
        fields["is_refused"] = True
    return fields


def _read_json(fields: dict[str, Any]) -> None:
    for name in _JSON_FIELDS:
        if isinstance(value := fields.get(name), str):
            fields[name] = json.loads(value)


def job_record(job: Job) -> dict[str, str]:
    """A job's record, with what it may share with its batch."""
    fields = job.model_dump(mode="json", exclude_none=True, exclude={"id"})
    for name, default in _DEFAULTS.items():
        if fields.get(name) == default:
            del fields[name]
    if job.created_at == made_at(job.id):
        del fields["created_at"]
    return as_text(fields)


def job_from(job_id: str, record: Record, shared: Shared = ()) -> Job:
    """A job from its record, and what it shares with its batch.

    Raises ValueError, TypeError or another error of reading for what cannot be read.
    """
    given = {name: value for name, value in zip(SHARED, shared, strict=False) if value is not None}
    return Job(**from_text({"id": job_id, **given, **record}))


def rate_per_s(finishes: Sequence[str]) -> float | None:
    """Jobs per second over the newest finish times (Unix seconds, newest first) that belong together.

    Raises ValueError for what is no time.
    """
    times = [float(at) for at in finishes]
    if not all(map(isfinite, times)):
        raise ValueError("a time without end")
    recent = [at for at in times if times[0] - at <= _RATE_WINDOW_S]
    if len(recent) < 2 or recent[0] <= recent[-1]:
        return None
    return round((len(recent) - 1) / (recent[0] - recent[-1]), 3)


def batch_from(record: Record, rate_per_s: float | None) -> Batch | None:
    """A batch from its record, and its rate; None when it is not there, or removed.

    Raises ValueError, TypeError or another error of reading for what cannot be read.
    """
    if not record or "removed_at" in record:
        return None
    fields: dict[str, Any] = {
        name: value for name, value in record.items() if name not in _NOT_THE_BATCHS and ":" not in name
    }
    _read_json(fields)
    counts = {state: int(record.get(f"count:{state}", 0)) for state in JobState}
    return Batch(**fields, counts=counts, rate_per_s=rate_per_s)


def time_text(at: datetime) -> str:
    """A time in the one format whose letters sort as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def times_of(job: Job) -> dict[str, Any]:
    """When a job came, began and ended, as the scripts want it: in Unix seconds, and as `time_text`."""
    times: dict[str, Any] = {"came_s": job.created_at.timestamp()}
    if job.started_at:
        times["started_at"] = time_text(job.started_at)
    if job.finished_at:
        times |= {"finished_at": time_text(job.finished_at), "ended_s": job.finished_at.timestamp()}
    return times
