"""The columns of an export, and what a job has in each: those of every batch, and one for each field."""

from collections.abc import Mapping
from typing import Any

from jobs.contract.asking.response_format import ResponseFormat
from jobs.shape.columns import Column, columns_of, joined

#: A job as the API shows it.
Row = Mapping[str, Any]
#: The columns of every batch; the first eight are a promise, and further ones may follow.
COLUMNS = (
    *("file", "state", "answer", "error_code", "error_message", "model", "question", "id"),
    *("width", "height", "visual_tokens", "output_tokens", "lines", "confidence"),
    *("attempts", "created_at", "started_at", "finished_at", "finish_reason", "notes", "page", "device_s"),
    "read_pixels",
)
_PROMISED = 8
#: Behind them where a job was made of a list of files: what these are called.
FILES = "files"
#: Where there are fields: the one to look at first, and how sure it is.
_DOUBT = ("least_sure", "least_sure_confidence")
#: Of each field; only where a cell may hold several values.
FIELD_CONFIDENCE = "field_confidence"


class Table:
    """The columns of a batch's results.

    fields behind the promised columns ──► file … id │ total kind │ least_sure … │ width … │ files
    """

    def __init__(self, response_format: ResponseFormat | None = None, *, has_lists: bool = False) -> None:
        taken = (*COLUMNS, *_DOUBT, FIELD_CONFIDENCE, FILES)
        self._last = (FILES,) if has_lists else ()
        #: A column for each field of the answers.
        self.fields: tuple[Column, ...] = columns_of(response_format, taken)
        self._titles = {column.field: column.title for column in self.fields}
        doubt = _DOUBT if self.fields else ()
        #: What the columns are called, in their order.
        behind = (*COLUMNS[_PROMISED:], *self._last)
        self.titles = (*COLUMNS[:_PROMISED], *self._titles.values(), *doubt, *behind)

    def values(self, job: Row) -> list[Any]:
        """What a job has in each column: text, numbers, booleans, dates, lists; None for what is missing."""
        usage, error = job["usage"] or {}, job["error"] or {}
        flat = {**usage, **job, "error_code": error.get("code"), "error_message": error.get("message")}
        if job["confidence"] is None:
            flat["confidence"] = usage.get("confidence")
        if self._last and job["images"]:
            flat[FILES] = [image["file"] for image in job["images"]]
        values = [flat.get(column) for column in (*COLUMNS, *self._last)]
        if not self.fields:
            return values
        own = [column.value(job["data"]) for column in self.fields]
        return [*values[:_PROMISED], *own, *self._least_sure(job), *values[_PROMISED:]]

    def cells(self, job: Row) -> list[Any]:
        """The same where a cell has one value: those of a list are set apart by commas."""
        return [(joined(value) or None) if isinstance(value, list) else value for value in self.values(job)]

    def confidences(self, job: Row) -> list[float | None] | None:
        """How sure each field of a job's answer is, in the order of `fields`; None where nobody noted it."""
        known = job[FIELD_CONFIDENCE]
        return None if known is None else [known.get(column.field) for column in self.fields]

    def _least_sure(self, job: Row) -> tuple[str | None, float | None]:
        """The column of the field that is least sure, and how sure it is."""
        known = job[FIELD_CONFIDENCE] or {}
        found = min(
            (field for field in self._titles if field in known), key=lambda one: known[one], default=None
        )
        return (None, None) if found is None else (self._titles[found], known[found])
