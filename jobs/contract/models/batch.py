"""What a batch is."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from jobs.contract.base import Frozen, Kept
from jobs.contract.models.ids import BatchId, Owner, made_at, new_id
from jobs.contract.models.job import JobState
from jobs.contract.models.options import SAMPLING, Options
from jobs.contract.models.times import utc_now


class BatchState(StrEnum):
    """Whether a batch takes more files; whether it is done follows from its counters."""

    #: More files may come.
    OPEN = "open"
    #: No more files.
    CLOSED = "closed"
    #: No more files, and what was unfinished is cancelled.
    CANCELLED = "cancelled"


#: A batch's counters: one for each state of its jobs. Beyond the largest no number is told from the next.
Counts = dict[JobState, Annotated[int, Field(le=2**53)]]


class Verb(StrEnum):
    """What can be done to all jobs of a batch at once."""

    #: Those without an answer are not to be answered any more.
    CANCEL = "cancel"
    #: Those that have failed run again.
    RETRY = "retry"


class Mark(Kept):
    """That something was done to all jobs of a batch."""

    verb: Verb
    at: AwareDatetime


class Batch(Kept):
    """Many jobs that came together, with one question."""

    id: BatchId = Field(default_factory=new_id)
    #: Whose it is; None where no login was needed.
    owner: Owner | None = None
    name: str = ""
    question: str = ""
    model: str
    options: Options = Options()
    #: True when it was made of a file of requests, each of which says for itself how it is to be answered.
    has_requests: bool = False
    state: BatchState = BatchState.OPEN
    created_at: AwareDatetime = Field(default_factory=lambda given: made_at(given["id"]) or utc_now())
    closed_at: AwareDatetime | None = None
    #: What was done to all its jobs at once, in order.
    marks: tuple[Mark, ...] = ()
    #: When a worker first began one of its jobs.
    first_started_at: AwareDatetime | None = None
    #: When one of its jobs last came to an end.
    last_finished_at: AwareDatetime | None = None
    #: How many jobs are in each state.
    counts: Counts = Field(default_factory=lambda: dict.fromkeys(JobState, 0))
    #: How many of its answers were cut at the longest that was allowed, those included that failed by that.
    cut_short: int = 0
    #: True when a job of it was made of a list of files.
    has_lists: bool = False
    #: Jobs finished per second of late; None until two have finished.
    rate_per_s: float | None = None

    @property
    def total(self) -> int:
        """All jobs, whatever their state."""
        return sum(self.counts.values())

    @property
    def unfinished(self) -> int:
        """Jobs that still need a worker."""
        return self.counts[JobState.QUEUED] + self.counts[JobState.RUNNING]

    @property
    def is_done(self) -> bool:
        """True when no more files come and every job is finished."""
        return self.state is not BatchState.OPEN and self.unfinished == 0

    def public(self) -> dict[str, Any]:
        """The batch as the API shows it, with what follows from its counters."""
        rate = self.rate_per_s
        return {
            **self.model_dump(mode="json", include=_PUBLIC_BATCH),
            "response_format": wanted.public() if (wanted := self.options.response_format) else None,
            "max_pixels": self.options.max_pixels,
            "dpi": self.options.dpi,
            "pages": self.options.pages,
            "logprobs": self.options.top_logprobs is not None,
            "top_logprobs": self.options.top_logprobs,
            **self.options.model_dump(mode="json", include=SAMPLING),
            "total": self.total,
            "is_done": self.is_done,
            "time_left_s": round(self.unfinished / rate, 1) if rate and self.unfinished else None,
        }


_PUBLIC_BATCH = set(Batch.model_fields) - {"options", "marks"}
#: Fields of a batch that follow from its jobs, and are not written with it.
FLEETING_BATCH = {"counts", "cut_short", "has_lists", "rate_per_s", "first_started_at", "last_finished_at"}


class Timeline(Frozen):
    """How many jobs of a batch came to an end when, in steps of equal length from `start` on.

    The lists are equally long, and end with the last step in which there was an end. A job that is retried
    counts at each of its ends.
    """

    #: When its first job came.
    start: AwareDatetime
    #: Seconds of one step; they grow with the batch's duration, so that there are never more than 240.
    step_s: int
    succeeded: list[int]
    failed: list[int]
    cancelled: list[int]
