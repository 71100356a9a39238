"""What a server answers with, as a client sees it.

Unlike the server's own models, these are lenient: a missing field has a default and an unknown one is
kept, so a client survives a server that is older or newer than itself.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eva01.client.errors import ClientError

#: Paths that stand for all that were passed over.
_EXAMPLES = 5


class Reply(BaseModel):
    """What the server says of one thing; what this version does not know of it is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def to_json(self) -> dict[str, Any]:
        """All the server said, in JSON types."""
        return self.model_dump(mode="json")


class Problem(Reply):
    """Why something failed: a stable code for programs, a message for people."""

    code: str = "unknown"
    message: str = ""


class Line(Reply):
    """A line of text that was read, and where it stands."""

    text: str = ""
    #: Left, top, right and bottom, in pixels of the upright image.
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    #: How sure its text is, 0 to 1.
    confidence: float = 0.0
    #: The page of its file, from 1; None where there is one.
    page: int | None = None


class JobImage(Reply):
    """One of the images of a job that was made of a list of files."""

    file: str = ""
    #: Of its content; None below a link.
    sha256: str | None = None
    media_type: str | None = None
    #: In pixels, upright; None until it was looked at.
    width: int | None = None
    height: int | None = None
    #: Pages of it that were read; None for one.
    pages: int | None = None
    #: What to know of it, such as `image_incomplete`.
    notes: list[str] = Field(default_factory=list)


class Token(Reply):
    """A token of an answer, or one that might have stood in its place."""

    #: Its text; U+FFFD stands for parts of characters.
    token: str = ""
    #: The natural logarithm of its probability; -9999 for 0.
    logprob: float = -9999.0
    #: Its text in UTF-8; None for one that is no text.
    bytes: list[int] | None = None
    #: The likeliest in its place, as many as were asked for.
    top_logprobs: list["Token"] = Field(default_factory=list)


class Logprobs(Reply):
    """How likely each token of an answer was."""

    content: list[Token] = Field(default_factory=list)


class Job(Reply):
    """One image or several, one question, one model, one answer."""

    id: str
    batch_id: str | None = None
    #: queued, running, succeeded, failed or cancelled.
    state: str
    file: str = ""
    question: str = ""
    model: str = ""
    #: The page of its file that is asked about; None for all that there is.
    page: int | None = None
    #: How many pages its file has; None for a format without, and for several files.
    pages: int | None = None
    #: Each of its images, in their order, where it was made of a list of files; else None.
    images: list[JobImage] | None = None
    answer: str | None = None
    #: What the model thought aloud before its answer; None where it did not.
    reasoning: str | None = None
    #: What the answer says, where it was to be JSON; None for plain text.
    data: Any = None
    #: How sure the model was, 0 to 1; and the same of each field of `data`.
    confidence: float | None = None
    field_confidence: dict[str, float] | None = None
    #: `stop`, or `length` when the answer was cut at the longest that was allowed, or failed by that.
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
    #: How likely each token was; None unless that was asked for, and in `results`, which has no room for it.
    logprobs: Logprobs | None = None
    #: What to know of the image, such as `image_incomplete`.
    notes: list[str] = Field(default_factory=list)

    @property
    def is_cut_short(self) -> bool:
        """True when the answer goes on beyond what was allowed."""
        return self.finish_reason == "length"

    @property
    def is_finished(self) -> bool:
        """True when the job has succeeded, failed or been cancelled."""
        return self.state not in ("queued", "running")


class Price(Reply):
    """What a thousand images cost."""

    amount: float = 0.0
    #: As ISO 4217 has it.
    currency: str = ""

    def of(self, images: int) -> str:
        """What so many cost, in digits that mean something.

        >>> Price(amount=0.4, currency="EUR").of(1000), Price(amount=0.4, currency="EUR").of(3)
        ('0.40 EUR', '0.0012 EUR')
        """
        cost = self.amount * images / 1000
        return (
            f"{cost:,.2f} {self.currency}" if cost >= 0.1 else f"{Decimal(f'{cost:.2g}'):f} {self.currency}"
        )


class Batch(Reply):
    """Many jobs that came together, with one question."""

    id: str
    #: Whose it is; None where nobody has to say who they are.
    owner: str | None = None
    name: str = ""
    question: str = ""
    model: str = ""
    #: What each answer has to be, as OpenAI's API says it; None for plain text.
    response_format: dict[str, Any] | None = None
    #: Pixels of each image that the model sees at most; None for as many as usual.
    max_pixels: int | None = None
    #: Dots an inch at which pages of PDFs are drawn, and what a file of pages becomes; None for as usual.
    dpi: int | None = None
    pages: str | None = None
    #: True when it is said of each token how likely it was; and how many of the likeliest are named besides.
    logprobs: bool = False
    top_logprobs: int | None = None
    #: True when it was made of a file of requests, each of which says for itself how it is to be answered.
    has_requests: bool = False
    #: open, closed or cancelled.
    state: str = ""
    created_at: datetime | None = None
    #: How many jobs are in each state.
    counts: dict[str, int] = Field(default_factory=dict)
    total: int = 0
    #: True when a job of it was made of a list of files: then jobs are counted, and not images.
    has_lists: bool = False
    #: Answers that were cut at the longest that was allowed, those included that failed by that.
    cut_short: int = 0
    is_done: bool = False
    #: Jobs finished per second recently.
    rate_per_s: float | None = None
    #: Seconds until the last job is finished, as far as the rate tells.
    time_left_s: float | None = None
    #: What is asked for a thousand images, of one that was just made; None where nothing is said.
    price: Price | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """What each answer has, by its schema; empty for plain text."""
        schema = ((self.response_format or {}).get("json_schema") or {}).get("schema") or {}
        properties = schema.get("properties")
        return tuple(properties) if isinstance(properties, dict) else ()

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
        """Jobs that have succeeded, failed or been cancelled."""
        return self.succeeded + self.failed + self.counts.get("cancelled", 0)


class Retried(Batch):
    """A batch whose failed jobs run again."""

    #: How many do.
    retried: int = 0
    #: How many failed ones were left as they are, since their answers were cut, and would be cut again.
    left_cut_short: int = 0


class Share(Reply):
    """A link with which anybody can read a batch, without its address."""

    id: str
    #: works, ended or revoked.
    state: str = ""
    #: What it is for, in its maker's words.
    note: str = ""
    made_by: str = ""
    made_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    #: The hour in which it was last used.
    last_used_at: datetime | None = None


class Upload(Reply):
    """What became of one file that was sent, of a page of it, or of several: a job, or the reason why not."""

    #: What it is called in the batch.
    file: str = ""
    #: Its files, where it is a job that is made of a list of them.
    files: list[str] | None = None
    #: The path it was sent under, where the batch has another file of that path.
    sent_as: str | None = None
    #: The page of the file that its job is about; None for all.
    page: int | None = None
    job_id: str | None = None
    #: What its job asks, where the batch had the file already with another question.
    kept_question: str | None = None
    error: Problem | None = None

    @property
    def files_through(self) -> int:
        """How many of the files that were sent it is about, and no outcome before it."""
        return 0 if self.is_further_page else len(self.files or [self.file])

    @property
    def is_further_page(self) -> bool:
        """True when another outcome is about the same file: that of its first page."""
        return (self.page or 1) > 1


class PassedOver(Reply):
    """What was in zips and became no job on purpose: hidden files, and what file managers leave behind."""

    count: int = 0
    #: The paths of the first few.
    examples: list[str] = Field(default_factory=list)

    def __add__(self, other: "PassedOver") -> "PassedOver":
        examples = (self.examples + other.examples)[:_EXAMPLES]
        return PassedOver(count=self.count + other.count, examples=examples)


class Uploaded(Reply):
    """What became of the files of one request, and what was passed over in its zips."""

    files: list[Upload] = Field(default_factory=list)
    passed_over: PassedOver = PassedOver()

    def __add__(self, other: "Uploaded") -> "Uploaded":
        return Uploaded(files=self.files + other.files, passed_over=self.passed_over + other.passed_over)


def refused(name: str, error: ClientError, files: list[str] | None = None) -> Upload:
    """What became of what was not sent, or not taken; `files` where that is a job of a list of them."""
    return Upload(file=name, files=files, error=Problem(code=error.code, message=error.message))


class PixelRange(Reply):
    """How many pixels of an image a model may be asked to see at most."""

    least: int = 0
    #: What holds when nothing is said.
    default: int = 0
    most: int = 0


class Model(Reply):
    """A model that can be asked, and what it can do."""

    name: str
    description: str = ""
    uses_question: bool = True
    default_question: str = ""
    #: True when its answers can have fields.
    has_fields: bool = False
    #: True when it says how likely each token of its answers was.
    has_logprobs: bool = False
    #: True when it can be said how many tokens an answer has at most.
    has_token_limit: bool = True
    #: True when its answers can be drawn, and stop at texts.
    has_sampling: bool = False
    #: What may be asked for as `max_pixels`; None where that cannot be chosen.
    max_pixels: PixelRange | None = None
    #: What is asked for its answers; None where nothing is said.
    price: Price | None = None
    #: Workers that serve it now; None when the server does not say.
    workers: int | None = None
