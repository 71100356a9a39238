"""Records as Redis keeps them, and what is computed from them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.models import JobError, Options, Usage

#: Fields kept as JSON in a record; all others are plain text.
_JSON_FIELDS = {"options": Options, "usage": Usage, "error": JobError}
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
