"""What a server answers with, as a client sees it.

Unlike the server's own models, these forgive: a field that is missing has a default and one that is new is
kept, so a client survives a server that is older or newer than itself.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    def to_json(self) -> dict[str, Any]:
        """All the server said, in JSON types."""
        return self.model_dump(mode="json")


class Problem(_Reply):
    """Why something failed: a stable code for programs, a message for people."""

    code: str = "unknown"
    message: str = ""


class Line(_Reply):
    """A line of text that was read, and where it stands."""

    text: str = ""
    #: Left, top, right and bottom, in pixels of the upright image.
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    #: How sure its text is, 0 to 1.
    confidence: float = 0.0
    #: The page of its file, from 1; None where there is one.
    page: int | None = None


class Job(_Reply):
    """One image, one question, one model, one answer."""

    id: str
    batch_id: str | None = None
    #: queued, running, succeeded, failed or cancelled.
    state: str
    file: str = ""
    question: str = ""
    model: str = ""
    #: The page of its file that is asked about; None for all that there is.
    page: int | None = None
    answer: str | None = None
    #: `stop`, or `length` when the answer was cut at the longest that was allowed.
    finish_reason: str | None = None
    error: Problem | None = None
    attempts: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    width: int | None = None
    height: int | None = None
    usage: dict[str, Any] | None = None
    cached: bool = False
    #: Where each line of the answer stands; None unless it was asked for, or where that is not known.
    lines: list[Line] | None = None
    #: What to know of the image, such as `image_incomplete`.
    notes: list[str] = Field(default_factory=list)

    @property
    def is_cut_short(self) -> bool:
        """True when the answer goes on beyond what was allowed."""
        return self.finish_reason == "length"

    @property
    def is_finished(self) -> bool:
        """True when waiting longer changes nothing."""
        return self.state not in ("queued", "running")


class Batch(_Reply):
    """Many jobs that came together, with one question."""

    id: str
    name: str = ""
    question: str = ""
    model: str = ""
    #: open, closed or cancelled.
    state: str = ""
    created_at: datetime | None = None
    #: How many jobs are in each state.
    counts: dict[str, int] = Field(default_factory=dict)
    total: int = 0
    is_done: bool = False
    #: Jobs finished per second of late.
    rate_per_s: float | None = None
    #: Seconds until the last job is finished, as far as the rate tells.
    time_left_s: float | None = None

    @property
    def succeeded(self) -> int:
        """Jobs with an answer."""
        return self.counts.get("succeeded", 0)

    @property
    def failed(self) -> int:
        """Jobs with an error."""
        return self.counts.get("failed", 0)

    @property
    def finished(self) -> int:
        """Jobs that are done, one way or the other."""
        return self.succeeded + self.failed + self.counts.get("cancelled", 0)


class Upload(_Reply):
    """What became of one file that was sent: a job, or the reason why not."""

    file: str = ""
    job_id: str | None = None
    error: Problem | None = None


class Model(_Reply):
    """A model that can be asked, and what it can do."""

    name: str
    description: str = ""
    uses_question: bool = True
    default_question: str = ""
    #: Workers that serve it now; None when the server does not say.
    workers: int | None = None
