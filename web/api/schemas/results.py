"""What is asked of a batch's results, and a page of them."""

from enum import StrEnum

from pydantic import Field

from jobs.contract.models import JobState
from web.api.schemas.base import QueryModel, ResponseModel
from web.api.schemas.jobs import LINES, JobView
from web.http.numbers import Ordinal, Whole


class Order(StrEnum):
    """The order of results."""

    #: As their files came.
    CAME = "came"
    #: By their last change: accepted, finished, or queued again.
    CHANGED = "changed"


class ResultsQuery(QueryModel):
    """Which results."""

    order: Order = Field(
        Order.CAME,
        description="`came`: as the files came. `changed`: by each job's last change (accepted, finished,"
        " queued again), so that whoever keeps asking with the last cursor gets what has changed since.",
    )
    cursor: Whole = Field(0, ge=0, description="`next_cursor` of the page before, in the same order.")
    limit: Ordinal = Field(100, le=1000, description="Jobs in a page.")
    state: JobState | None = Field(None, description="Only jobs in this state.")


class ExportQuery(QueryModel):
    """Which results."""

    state: JobState | None = Field(None, description="Only jobs in this state.")


class JsonlQuery(ExportQuery):
    """Which results, and what is said of them."""

    lines: bool = LINES


class CsvQuery(ExportQuery):
    """Which results, and how they are written."""

    bom: bool = Field(False, description="Begin the CSV with a byte-order mark, for spreadsheet programs.")


class ResultsPage(ResponseModel):
    """Some of a batch's jobs."""

    jobs: list[JobView]
    next_cursor: int | None = Field(
        description="`cursor` of the next page; null at the end. With `order=changed` it is never null: the"
        " same again means that nothing has changed. A page may be short, or empty, and have more behind it."
    )
