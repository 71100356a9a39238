"""Jobs as the API shows them, straight from their records: for exports of a million rows.

The same as `job_from(…).public()`, several times as fast: only the fields that are shown are read, by their
places, and nothing is validated.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from itertools import cycle
from typing import Any, TypeVar

from pydantic_core import from_json

from jobs.contract.asking.response_format import data_of
from jobs.contract.codes import Code
from jobs.contract.models import ID_PATTERN, Job, JobError, JobState, Options, Usage, time_in
from jobs.contract.saying.several import described_images
from jobs.storage.store.records import SHARED, Shared

#: What is read of a record, in this order; `image` and `media_type` are what version 0.1.0 wrote.
ROW_FIELDS = (
    *("state", "batch_id", "file", "page", "pages", "question", "model", "options"),
    *("images", "image", "media_types", "media_type", "files", "looks"),
    *("answer", "reasoning", "finish_reason", "confidence", "field_confidence", "error", "notes"),
    *("attempts", "created_at", "started_at", "finished_at", "width", "height", "usage", "cached"),
)
#: Read besides where an export says where lines stand.
LINES_FIELD = "lines"
_STATES = {state.value: state.value for state in JobState}
_NO_USAGE = Usage().model_dump()
_NUMBERS = {int, float, type(None)}
_T = TypeVar("_T")
#: Threads that read ahead for all exports; the parts of one export are read by one of them, in their order.
_READERS = cycle([ThreadPoolExecutor(1, thread_name_prefix="read-ahead") for _ in range(8)])


def row_from(job_id: str, values: Sequence[str | None], shared: Shared) -> dict[str, Any]:
    """A job from the values of ROW_FIELDS, and what it shares with its batch.

    Where `logprobs` were asked for it has them, as null: they are kept elsewhere.

    Raises ValueError, LookupError or TypeError where they cannot be those of a job.
    """
    # One unpacking: exports spend a good part of their time here.
    (state, batch_id, file, page, pages, question, model, options, images, image, media_types, media_type,
     files, looks, answer, reasoning, finish_reason, confidence, field_confidence, error, notes, attempts,
     created_at, started_at, finished_at, width, height, usage, cached) = values  # fmt: skip
    question = shared[0] if question is None else question
    model = shared[1] if model is None else model
    options = shared[2] if options is None else options
    asked = _options_in(options) if options else None
    wanted = asked and asked.response_format
    if None in (file, question, model):
        raise ValueError("file, question or model is missing")
    row: dict[str, Any] = {
        "id": job_id,
        "batch_id": batch_id,
        "state": _STATES[state or ""],
        "file": file,
        "page": page and int(page),
        "pages": pages and int(pages),
        "question": question,
        "model": model,
        "image": _first(images or image),
        "media_type": _first(media_types or media_type),
        "images": None,
        "answer": answer,
        "reasoning": reasoning,
        "data": data_of(answer, wanted) if wanted else None,
        "finish_reason": finish_reason,
        "confidence": None if confidence is None else _part(confidence),
        "field_confidence": None if field_confidence is None else _parts(from_json(field_confidence)),
        "error": error and _error(from_json(error)),
        "notes": notes.split(",") if notes else [],
        "attempts": int(attempts or 0),
        "created_at": _public_time(created_at) if created_at else _came_at(job_id),
        "started_at": started_at and _public_time(started_at),
        "finished_at": finished_at and _public_time(finished_at),
        "width": width and int(width),
        "height": height and int(height),
        "usage": usage and _usage(from_json(usage)),
        "cached": cached in ("1", "True"),
    }
    if asked and asked.top_logprobs is not None:
        row["logprobs"] = None
    if files or "," in (images or ""):
        lists = (_all(images or image), _all(media_types or media_type), _listed(files), _listed(looks))
        row["images"] = described_images(row, *lists)
    return row


def unreadable_row(
    job_id: str, batch_id: str, values: Sequence[str | None], shared: Shared
) -> dict[str, Any]:
    """The row of a job whose record cannot be read: one that has failed, and says so."""
    message = "What is kept of this job cannot be read; the server's log says more."
    error = JobError(code=Code.UNREADABLE_RECORD, message=message)
    known = dict(zip(ROW_FIELDS, values, strict=False))
    question, model = (known.get(name) or shared[place] or "" for place, name in enumerate(SHARED[:2]))
    lost = Job(
        file=known.get("file") or job_id, question=question, model=model, state=JobState.FAILED, error=error
    )
    came_at = _came_at(job_id if re.fullmatch(ID_PATTERN, job_id) else batch_id)
    return {**lost.public(), "id": job_id, "batch_id": batch_id, "created_at": came_at}


def read_ahead(parts: Iterator[_T]) -> Iterator[_T]:
    """The same parts, each read while the one before is used.

    Two are asked for, so that the reader waits for Redis already when it hands a part over: whoever uses that
    keeps the interpreter busy, and would keep the reader from asking. The readers are shared:
    an export that nobody takes holds none.
    """
    reader = next(_READERS)
    coming = deque(reader.submit(next, parts, None) for _ in range(2))
    try:
        while (part := coming.popleft().result()) is not None:
            coming.append(reader.submit(next, parts, None))
            yield part
    finally:
        for one in coming:
            one.cancel()


def _first(texts: str | None) -> str | None:
    return texts.partition(",")[0] if texts else None


def _all(texts: str | None) -> list[str]:
    return texts.split(",") if texts else []


def _listed(values: str | None) -> list[Any]:
    """A list that is kept as JSON; raises TypeError for anything else."""
    listed = from_json(values) if values else []
    if not isinstance(listed, list):
        raise TypeError("names and looks are lists")
    return listed


def _came_at(job_id: str) -> str:
    """The time in a job's id: a record without a time of its own has such an id."""
    seconds, microseconds = time_in(job_id)
    return f"{_second(seconds)}.{microseconds:06}Z" if microseconds else f"{_second(seconds)}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """A time in Unix seconds as RFC 3339 writes it; many jobs come in the same second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def _options_in(options: str) -> Options:
    """How to answer; most jobs of a batch have the same options."""
    return Options.model_validate_json(options)


def _part(value: str | float) -> float:
    """A number from 0 to 1; raises ValueError for any other, TypeError for what is none."""
    part = float(value)
    if not 0 <= part <= 1:
        raise ValueError("it should be from 0 to 1")
    return part


def _parts(values: Any) -> dict[str, float] | None:
    """Such a number for each name."""
    return None if values is None else {name: _part(value) for name, value in values.items()}


def _error(error: dict[str, Any]) -> dict[str, str]:
    """Those of its fields that this version knows."""
    code, message = error["code"], error["message"]
    if not (isinstance(code, str) and isinstance(message, str)):
        raise TypeError("an error's code and message are texts")
    return {"code": code, "message": message}


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    """The same of what a job took."""
    known = _NO_USAGE | usage
    if len(known) > len(_NO_USAGE):
        known = {name: known[name] for name in _NO_USAGE}
    if not _NUMBERS.issuperset(map(type, known.values())):
        raise TypeError("usage is in numbers")
    return known


def _public_time(text: str) -> str:
    """A time of a record as JSON has it: in UTC, `Z` at its end, without a fraction of nothing.

    Raises ValueError for what is no time.
    """
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    if text.endswith("+00:00"):
        text = f"{text[:-6]}Z"
    return f"{text[:-8]}Z" if text.endswith(".000000Z") else text
