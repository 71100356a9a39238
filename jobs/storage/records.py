"""Records as Redis keeps them, and what is computed from them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.contract.models import Batch, Job, JobError, JobState, Options, Usage

#: Fields kept as JSON in a record; all others are plain text.
_JSON_FIELDS = {"options": Options, "usage": Usage, "error": JobError}
#: Those of a batch's record that are the batch's own, and not the scripts'.
_BATCH_FIELDS = frozenset(Batch.model_fields) - {"counts", "rate_per_s"}
#: Finish times further apart than this many seconds are not part of the same run of work.
_RATE_WINDOW_S = 60.0


def as_text(record: Mapping[str, Any]) -> dict[Any, str]:
    """A record's JSON values as the texts that Redis keeps."""
    return {
        field: json.dumps(value) if field in _JSON_FIELDS else str(value) for field, value in record.items()
    }


def from_text(record: Mapping[str, str]) -> dict[str, Any]:
    """The opposite of `as_text`, as far as a model's validation needs it."""
    return {field: json.loads(value) if field in _JSON_FIELDS else value for field, value in record.items()}


def rate_per_s(finishes: Sequence[str]) -> float | None:
    """Jobs per second over the newest finish times (Unix seconds, newest first) that belong together."""
    times = [float(at) for at in finishes]
    recent = [at for at in times if times[0] - at <= _RATE_WINDOW_S]
    if len(recent) < 2 or recent[0] <= recent[-1]:
        return None
    return round((len(recent) - 1) / (recent[0] - recent[-1]), 3)


def batch_from(record: Mapping[str, str], finishes: Sequence[str]) -> Batch | None:
    """A batch from its record and its newest finish times; None when it is not there, or removed."""
    if not record or "removed_at" in record:
        return None
    fields = {name: value for name, value in record.items() if name in _BATCH_FIELDS}
    counts = {state: int(record.get(f"count:{state}", 0)) for state in JobState}
    return Batch(**from_text(fields), counts=counts, rate_per_s=rate_per_s(finishes))


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
