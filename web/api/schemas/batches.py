"""Requests and responses about batches."""

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
)

from jobs.contract.asking.pages import Pages
from jobs.contract.models import BatchState, JobState
from jobs.storage.listing import CURSOR_PATTERN
from web.api.schemas.base import PLACED, QueryModel, ResponseModel
from web.api.schemas.status import PriceView
from web.http.numbers import Ordinal
from web.intake.outcomes import FileOutcome, KnownFile, KnownJob, PassedOver
from web.intake.wishes import SaidFormat, SaidWishes


class NewBatch(SaidWishes):
    """A batch to be made."""

    name: str = Field("", description="A name for people.")
    question: str = Field("", description="What to ask of every image.")
    model: str | None = Field(None, description="A name from /api/models; else the default.")


class BatchChange(BaseModel):
    """What is to be changed of a batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="A name for people.")


class BatchesQuery(QueryModel):
    """Which batches."""

    search: str = Field("", description="A part of their name or question, in upper or lower case.")
    cursor: str | None = Field(None, pattern=CURSOR_PATTERN, description="`next_cursor` of the page before.")
    limit: Ordinal = Field(50, le=200, description="Batches in a page.")


class KnownFiles(BaseModel):
    """Files that are perhaps here already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: list[KnownFile] = Field(
        default_factory=list, description="With those of `jobs` at least one, at most EVA01_MAX_KNOWN_FILES."
    )
    jobs: list[KnownJob] = Field(default_factory=list, description="Jobs about several files each.")

    @property
    def count(self) -> int:
        """Files in all."""
        return len(self.files) + sum(len(job.files) for job in self.jobs)


class BatchView(ResponseModel):
    """A batch as the API shows it."""

    id: str = Field(description="Below a link, the link's id in its place.")
    owner: str | None = Field(
        description="Whose it is; null where nobody has to say who they are, and below a link."
    )
    name: str
    question: str
    model: str
    response_format: SaidFormat | None = Field(
        description="What each answer has to be, also where `fields` said it; null for plain text."
    )
    max_pixels: int | None = Field(
        description="Pixels of each image that the model sees at most; null for as many as usual."
    )
    dpi: int | None = Field(description="Dots an inch at which pages of PDFs are drawn; null for as usual.")
    pages: Pages | None = Field(description="What a file of several pages becomes; null for as usual.")
    logprobs: bool = Field(description="Whether it is said of each token of an answer how likely it was.")
    top_logprobs: int | None = Field(
        description="How many of the likeliest tokens are named in each place; null without `logprobs`."
    )
    temperature: float | None = Field(
        description="How freely each token is drawn; null and 0 for always the likeliest."
    )
    top_p: float | None = Field(
        description="How likely the tokens are together of which one is drawn; null for all."
    )
    seed: int | None = Field(description="What draws follow from; null for chance.")
    stop: list[str] | None = Field(description="Texts at which answers end; null for none.")
    has_requests: bool = Field(
        description="True when it was made of a file of requests, each of which says for itself how it is to"
        " be answered."
    )
    state: BatchState = Field(description="Whether it takes more files.")
    created_at: AwareDatetime
    closed_at: AwareDatetime | None
    first_started_at: AwareDatetime | None = Field(description="When a worker first began one of its jobs.")
    last_finished_at: AwareDatetime | None = Field(description="When one of its jobs last came to an end.")
    counts: dict[JobState, int] = Field(description="How many jobs are in each state.")
    cut_short: int = Field(
        description="Answers that were cut at the longest that was allowed; those that failed by that, too."
    )
    has_lists: bool = Field(description="True when a job of it was made of a list of files.")
    rate_per_s: float | None = Field(description="Jobs finished per second of late.")
    total: int = Field(description="Jobs in all.")
    is_done: bool = Field(description="True when it is closed and no job is unfinished.")
    time_left_s: float | None = Field(description="Seconds until it is done, as far as the rate tells.")


class NewBatchView(BatchView):
    """A batch that was just made."""

    model_config = PLACED

    price: PriceView | None = Field(
        description="What is asked for a thousand images of it; null where nothing is said."
    )


class BatchesPage(ResponseModel):
    """Some of all batches, the latest change first."""

    batches: list[BatchView]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null at the end. A page may be short and have more behind it."
    )


class RetriedView(BatchView):
    """A batch whose failed jobs run again."""

    retried: int = Field(description="How many do.")
    left_cut_short: int = Field(
        description="How many failed jobs were left as they are, since their answers were cut, and would be"
        " cut again: ask about their images with a larger `max_new_tokens`."
    )


class FileOutcomes(ResponseModel):
    """What became of each file; the entries of a zip count as files."""

    files: list[FileOutcome]
    passed_over: PassedOver = Field(
        default_factory=PassedOver, description="What was in zips and became no job on purpose."
    )
    unused_questions: list[str] = Field(
        default_factory=list, description="Paths of `questions` under which nothing came in this request."
    )
