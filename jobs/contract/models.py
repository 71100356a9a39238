"""What a job and a batch are."""

import os
import time
from datetime import UTC, date, datetime
from datetime import time as clock_time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from jobs.contract.asking.chat import Turn
from jobs.contract.asking.pages import LEAST_DPI, MOST_DPI, Pages
from jobs.contract.asking.pixels import PixelRange
from jobs.contract.asking.response_format import ResponseFormat, data_of
from jobs.contract.asking.sampling import LEAST_SEED, MOST_SEED, MOST_STOPS, MOST_TEMPERATURE, StopText
from jobs.contract.base import Frozen, Kept
from jobs.contract.saying.lines import described
from jobs.contract.saying.logprobs import MOST_TOP_LOGPROBS
from jobs.contract.saying.several import described_images


class JobState(StrEnum):
    """Where a job stands. `queued → running → succeeded | failed | cancelled`, and only these."""

    #: Accepted, and waiting for a free slot.
    QUEUED = "queued"
    #: A worker holds it.
    RUNNING = "running"
    #: It has an answer.
    SUCCEEDED = "succeeded"
    #: It has an error with a code and a reason.
    FAILED = "failed"
    #: A user took it back before it had an answer.
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """True when nothing but a retry by hand moves the job on."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class BatchState(StrEnum):
    """Whether a batch takes more files; whether it is done follows from its counters."""

    #: More files may come.
    OPEN = "open"
    #: No more files.
    CLOSED = "closed"
    #: No more files, and what was unfinished is cancelled.
    CANCELLED = "cancelled"


#: 32 hexadecimal digits.
ID_PATTERN = r"^[0-9a-f]{32}$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"
JobId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
BatchId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256_PATTERN)]
#: No file has more pages: their names are looked at one by one.
_MOST_PAGES = 1_000_000
#: A person or a team to whom jobs and batches belong.
OWNER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$"
Owner = Annotated[str, StringConstraints(pattern=OWNER_PATTERN)]


def new_id() -> str:
    """A fresh id: a UUIDv7, so ids sort by the time they were made (RFC 9562, with a fraction of 12 bits)."""
    now_ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    rest = int.from_bytes(os.urandom(8), "big") >> 2 | 1 << 63
    return f"{now_ms:012x}7{rest_ns * 4096 // 1_000_000:03x}{rest:016x}"


def made_at(id_: str) -> datetime | None:
    """When an id was made, to the microsecond; None when it does not say."""
    if id_[12] != "7":
        return None
    seconds, microseconds = time_in(id_)
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at.replace(microsecond=microseconds)


def time_in(id_: str) -> tuple[int, int]:
    """The time in a UUIDv7: whole seconds in Unix time, and microseconds."""
    seconds, ms = divmod(int(id_[:12], 16), 1000)
    return seconds, ms * 1000 + int(id_[13:16], 16) * 1000 // 4096


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def end_of(day: date) -> datetime:
    """The end of a day of UTC."""
    return datetime.combine(day, clock_time.max, UTC)


class FinishReason(StrEnum):
    """Why an answer ends where it does; as OpenAI's API calls it."""

    #: The model had said all.
    STOP = "stop"
    #: It had said as many tokens as it might: the rest, if there is more, is missing.
    LENGTH = "length"


class Note(StrEnum):
    """What a reader of an answer has to know of the image it is about."""

    #: An animation, of which only the first frame was looked at.
    FIRST_FRAME = "first_frame"
    #: A file of several pages, of which only the first was looked at.
    FIRST_PAGE = "first_page"
    #: The end of the file is missing: what is there of the image was looked at.
    IMAGE_INCOMPLETE = "image_incomplete"
    #: Some of the file is damaged: what its decoder made of it was looked at.
    IMAGE_DAMAGED = "image_damaged"


class JobError(Kept):
    """Why a job failed: a stable code for programs, a message for people."""

    code: str
    message: str


class Look(Kept):
    """What one of a job's images was found to be."""

    #: Its size in pixels, upright; None where it could not be looked at.
    width: int | None = None
    height: int | None = None
    #: What to know of it, such as that it is incomplete.
    notes: tuple[Note, ...] = ()
    #: Pages of it that were read; None for one.
    pages: int | None = None


class Usage(Kept):
    """What a job cost, and what an engine can say about its answer."""

    #: Tokens the images took in the model.
    visual_tokens: int = 0
    #: Pixels of all its images together as the model saw them; None where the engine does not say.
    read_pixels: int | None = None
    #: Tokens of all that the model was given, images included; None where the engine does not say.
    prompt_tokens: int | None = None
    #: Tokens the answer took.
    output_tokens: int = 0
    #: Those of them that were thought, with the mark at their end; None where the engine does not say.
    reasoning_tokens: int | None = None
    #: Seconds of the device, of those shared with others its part; None where that is not known.
    device_s: float | None = None
    #: Lines of text found (ocr).
    lines: int | None = None
    #: How sure the least sure of those lines is, 0–1 (ocr).
    confidence: float | None = None
    #: Pages that were read for it; None for one.
    pages: int | None = None


class Options(Kept):
    """How to answer; what is left out is the worker's default."""

    #: The longest answer, in tokens.
    max_new_tokens: int | None = Field(default=None, ge=1)
    #: What the answer has to be; None for plain text.
    response_format: ResponseFormat | None = None
    #: Pixels of each image that the model sees at most: a larger one is scaled down.
    max_pixels: int | None = Field(default=None, ge=1)
    #: Dots an inch at which pages of PDFs are drawn.
    dpi: int | None = Field(default=None, ge=LEAST_DPI, le=MOST_DPI)
    #: Which pages of a file one answer is about; None: all for who reads whole files, one for any other.
    pages: Pages | None = None
    #: How many of the likeliest tokens are to be named in each place of the answer, with how likely they were
    #: and the one that was said; None for nothing of that.
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_TOP_LOGPROBS)
    #: How freely each token is drawn; None and 0 for always the likeliest.
    temperature: float | None = Field(default=None, ge=0, le=MOST_TEMPERATURE)
    #: Drawn only of the likeliest tokens that together are as likely as this; None for all.
    top_p: float | None = Field(default=None, gt=0, le=1)
    #: What draws follow from; None for chance.
    seed: int | None = Field(default=None, ge=LEAST_SEED, le=MOST_SEED)
    #: Texts at which an answer ends, before the first of them.
    stop: tuple[StopText, ...] | None = Field(default=None, min_length=1, max_length=MOST_STOPS)
    #: What was said before the answer, where that is more than the question, which is then for people alone.
    chat: tuple[Turn, ...] | None = None

    @property
    def is_drawn(self) -> bool:
        """True when its tokens are drawn; False when each is the likeliest."""
        return bool(self.temperature)


class Asked(Kept):
    """What was asked: all that is left of a job that runs from its beginning."""

    id: JobId = Field(default_factory=new_id)
    batch_id: BatchId | None = None
    #: Whose it is; that of its batch, if it has one. None where no login was needed.
    owner: Owner | None = None
    #: The name or relative path the user gave, any Unicode; where the batch has another file of that path, a
    #: name of its own.
    file: str
    #: The path it was sent under, where `file` is not that path.
    sent_as: str | None = None
    question: str
    model: str
    options: Options = Options()
    #: SHA-256 of its images in the blob store, in the order they are asked about; none when the file was
    #: refused at the door.
    images: tuple[Sha256, ...] = ()
    #: What each image was found to be, such as `image/jpeg`; may be left out.
    media_types: tuple[str, ...] = ()
    #: What each image is called; none for one that is called as the job.
    files: tuple[str, ...] = ()
    #: The page of its file that is asked about, counted from 1; None for all that there is in the file.
    page: int | None = Field(default=None, ge=1)
    #: How many pages its file has; None where its format has none, and where version 0.1.0 did not count.
    pages: int | None = Field(default=None, ge=1, le=_MOST_PAGES)
    #: How many images it is to quotas, where it is about more pages than it has images.
    counts_as: int | None = Field(default=None, ge=1)
    #: Who hears the answer while it is said: a web process; None for nobody.
    listener: str | None = None
    #: What a refused file is known by when it is sent again: its digest, and the zip that it came in, if any.
    #: They stay when the very same file is taken after all.
    refused_sha256: str | None = None
    source: str | None = None
    created_at: AwareDatetime = Field(default_factory=lambda given: made_at(given["id"]) or utc_now())


class Result(Kept):
    """What was said: a worker's answer or its error, never both."""

    answer: str | None = None
    #: What the model thought aloud before its answer; None where it did not.
    reasoning: str | None = None
    #: Why what was said ends where it does, also where it is no answer; None where nothing was said, and for
    #: answers of version 0.1.0.
    finish_reason: FinishReason | None = None
    error: JobError | None = None
    #: What to know of its images, such as that one is incomplete.
    notes: tuple[Note, ...] = ()
    #: The size of the first image in pixels, upright (after EXIF orientation).
    width: int | None = None
    height: int | None = None
    #: What each image was found to be, in their order, as far as they were looked at; none where there is
    #: one, of which size and notes above say all.
    looks: tuple[Look, ...] = ()
    #: Where the answer's lines stand (jobs/contract/saying/lines.py); None when that is not known (ocr).
    lines: str | None = None
    #: How sure the model was of what it said, 0–1: the geometric mean of its tokens' probabilities; of `ocr`,
    #: how sure the least sure of its lines is. None where there is no answer, or nobody noted it.
    confidence: float | None = Field(default=None, ge=0, le=1)
    #: The same of each field of an answer that has fields, by their names.
    field_confidence: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None
    #: What it cost; of an answer from an earlier job, what that had cost.
    usage: Usage | None = None
    #: True when it was known from an earlier job: nothing ran.
    cached: bool = False


class Fleeting(Kept):
    """What belongs to this moment in Redis, and to no other: the journal does not keep it."""

    #: The ticket that its worker holds for it while it runs.
    ticket: str | None = None
    #: When it came into the queue again, after a crash, a drain or a failure.
    queued_at: AwareDatetime | None = None


class Job(Asked, Result, Fleeting):
    """One question about one image or several to one model: what was asked, what was said, how it went."""

    state: JobState = JobState.QUEUED
    #: True for a file that was refused at the door: it has failed without ever being asked about.
    is_refused: bool = False
    #: How often a worker began it.
    attempts: int = 0
    #: How often its worker was gone before it was finished.
    crashes: int = 0
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    #: All that decided its answer besides the images, as a digest: who asks the same gets the same.
    recipe: str | None = None

    @property
    def stays_failed(self) -> bool:
        """True for a failed job that no retry runs again: it was refused, or cut, and would be cut again."""
        is_cut = self.state is JobState.FAILED and self.finish_reason is FinishReason.LENGTH
        return self.is_refused or is_cut

    @property
    def image(self) -> str | None:
        """The first image, mostly the only one; None when the file was refused."""
        return self.images[0] if self.images else None

    @property
    def media_type(self) -> str | None:
        """What the first image was found to be; None when that is not known."""
        return self.media_types[0] if self.media_types else None

    def about(self, place: int) -> tuple[str, str, str | None]:
        """The hash, the name and the media type of an image, counted from 0; None where that is not known."""
        name = self.files[place] if place < len(self.files) else self.file
        media_type = self.media_types[place] if place < len(self.media_types) else None
        return self.images[place], name, media_type

    @property
    def data(self) -> Any:
        """What its answer says, where that is JSON; else None."""
        return data_of(self.answer, self.options.response_format)

    def public(self, *, with_lines: bool = False) -> dict[str, Any]:
        """The job as the API shows it: JSON types, times in RFC 3339 UTC, without storage details."""
        fields = self.model_dump(mode="json", include=_PUBLIC)
        shown = {name: fields[name] if name in fields else getattr(self, name) for name in PUBLIC_JOB}
        several = self.model_dump(mode="json", include=_OF_IMAGES) if self.files or self.images[1:] else None
        shown["images"] = several and described_images(shown, **several)
        return shown | {"lines": described(self.answer, self.lines)} if with_lines else shown


#: What the API shows of a job, in this order.
PUBLIC_JOB = (
    *("id", "batch_id", "state", "file", "page", "pages", "question", "model"),
    *("image", "media_type", "images"),
    *("answer", "reasoning", "data", "finish_reason", "confidence", "field_confidence", "error", "notes"),
    *("attempts", "created_at", "started_at", "finished_at", "width", "height", "usage", "cached"),
)
#: Those of its fields that say what there is to show of its images.
_OF_IMAGES = {"images", "media_types", "files", "looks"}
#: Those that are shown as they are, and of the records in it those that this version knows.
_PUBLIC: dict[str, Any] = {name: True for name in PUBLIC_JOB if name in Job.model_fields} | {
    "error": set(JobError.model_fields),
    "usage": set(Usage.model_fields),
}


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


#: How its answers are drawn, and where they stop.
SAMPLING = {"temperature", "top_p", "seed", "stop"}
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


class WorkerState(StrEnum):
    """What a worker is doing."""

    #: Its model is being loaded: it takes no jobs yet.
    LOADING = "loading"
    #: It takes jobs.
    READY = "ready"
    #: It was told to stop: it finishes what it holds.
    DRAINING = "draining"


class WorkerInfo(Kept):
    """One worker, as its heartbeat describes it."""

    id: str
    model: str
    state: WorkerState
    #: How many jobs it holds at most.
    slots: int
    #: Where it runs, such as `cpu` or `cuda:0 NVIDIA H100`.
    device: str
    started_at: AwareDatetime
    #: Seconds that it took from the start of its process until it was ready; None before.
    start_s: float | None = None
    #: What it lets one choose of its resolution; None where nobody may, and before its model is loaded.
    max_pixels: PixelRange | None = None
    #: What keeps Redis, or the server that it asks, from doing its part, as the worker sees it; empty when
    #: all is well.
    trouble: str = ""
