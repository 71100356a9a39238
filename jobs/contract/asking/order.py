"""Batches that are made of a file, each line of which is a request: the file, and what was asked."""

from pydantic import AwareDatetime, Field

from jobs.contract.access.owners import Quotas
from jobs.contract.base import Kept
from jobs.contract.models import BatchId, JobId, Owner, new_id, utc_now


class SentFile(Kept):
    """A file of requests, one a line, that was sent to be read later."""

    id: JobId = Field(default_factory=new_id)
    owner: Owner | None = None
    name: str
    size_bytes: int
    #: How many of its lines are not empty.
    lines: int
    created_at: AwareDatetime = Field(default_factory=utc_now)
    #: From when on it is gone; None in notes of before this was noted.
    expires_at: AwareDatetime | None = None


class Reading(Kept):
    """How far the lines of a file are read, as long as they are."""

    #: The number of the line that is being read; while there are no deaths, of the first of some.
    line: int | None = None
    #: How many processes have died at a line, by its number.
    deaths: dict[int, int] = Field(default_factory=dict)

    def taken_over(self) -> "Reading":
        """The same for who begins anew: whoever was at a line has died of it."""
        died = {} if self.line is None else {self.line: self.deaths.get(self.line, 0) + 1}
        return Reading(deaths=self.deaths | died)


class Order(Kept):
    """What was asked of a batch that is made of a file."""

    batch_id: BatchId
    file: SentFile
    #: To which address each of its requests is.
    endpoint: str
    #: By when all of them should be answered, in the words that were sent; and the same as a time.
    window: str
    expires_at: AwareDatetime
    metadata: dict[str, str] = Field(default_factory=dict)
    #: The name of the caller who asked; empty in orders of before this was noted.
    asked_by: str = ""
    #: What they may take, as of then.
    quotas: Quotas = Quotas()
    #: Seconds from the last change of a batch that is done until it goes with all its answers; None where
    #: retention alone says it.
    output_expires_after_s: int | None = None
    #: True when every line is a job of the batch.
    is_filled: bool = False
    #: When what had no answer was cancelled, because the time was over.
    expired_at: AwareDatetime | None = None

    def unread(self, jobs: int) -> int:
        """How many lines are no job of the batch, which has so many."""
        return max(0, self.file.lines - jobs)
