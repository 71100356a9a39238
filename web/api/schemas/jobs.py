"""Requests and responses about single jobs."""

from typing import Any

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
)

from jobs.contract.models import BatchId, JobId, JobState, Note, Result, new_id, utc_now
from web.api.schemas.base import PLACED, QueryModel, ResponseModel, left_out_at_times
from web.http.numbers import Ordinal, Rank
from web.intake.wishes import SaidWishes


class FollowUp(SaidWishes):
    """A further question about a job's image."""

    question: str = Field(description="What to ask of it.")
    model: str | None = Field(None, description="A name from /api/models; else the job's.")
    page: Rank | None = Field(None, description="The page of its file to ask about; else the job's.")


LINES = Field(False, description="Say of each line of an answer where it stands in the image (`ocr`).")


class JobQuery(QueryModel):
    """What is said of a job."""

    lines: bool = LINES


class PageText(ResponseModel):
    """The text that a page holds."""

    page: int = Field(description="Counted from 1.")
    text: str


class TextView(ResponseModel):
    """The text that a job's PDF holds."""

    pages: list[PageText] = Field(description="Those that hold some, in order.")


class ImageQuery(QueryModel):
    """Which image of a job."""

    number: Ordinal = Field(1, description="Of several images which one, counted from 1 in their order.")


class ThumbnailQuery(ImageQuery):
    """Which image of a job, and which page of it."""

    page: Ordinal | None = Field(
        None, description="Of a job about all pages of a file which one, counted from 1; else its own."
    )


class LineView(ResponseModel):
    """A line of text in an image."""

    model_config = ConfigDict(json_schema_extra=left_out_at_times("page"))

    text: str
    box: tuple[int, int, int, int] = Field(
        description="Left, top, right, bottom of the upright box around it, in pixels of the upright image."
    )
    confidence: float = Field(description="How sure its text is, 0 to 1.")
    page: int | None = Field(
        None, description="The page, from 1, counted through all images; left out where there is one."
    )


class ImageView(ResponseModel):
    """One of the images of a job that was made of a list of files."""

    file: str = Field(description="What it is called.")
    sha256: str | None = Field(description="Null below a link.")
    media_type: str | None
    width: int | None = Field(description="In pixels, upright; null until it was looked at.")
    height: int | None
    pages: int | None = Field(description="Pages of it that were read; null for one.")
    notes: list[Note] = Field(description="What to know of it, such as that it is incomplete.")


class TokenView(ResponseModel):
    """A token, and how likely it was."""

    token: str = Field(description="Its text; U+FFFD stands for parts of characters.")
    logprob: float = Field(description="The natural logarithm of its probability; -9999 for 0.")
    bytes: list[int] | None = Field(description="Its text in UTF-8; null for a token that is no text.")


class SaidTokenView(TokenView):
    """A token of an answer."""

    top_logprobs: list[TokenView] = Field(description="The likeliest tokens in its place.")


class LogprobsView(ResponseModel):
    """How likely each token of an answer was."""

    content: list[SaidTokenView]


def _shown(schema: dict[str, Any]) -> None:
    """What is there when it is asked for alone; what was seen of each of a job's images never is."""
    left_out_at_times("lines", "logprobs", "looks")(schema)
    del schema["properties"]["looks"]


class JobView(Result):
    """A job as the API shows it."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_serialization_defaults_required=True,
        json_schema_extra=_shown,
    )

    id: JobId = Field(default_factory=new_id)
    batch_id: BatchId | None = Field(None, description="Below a link, the link's id in its place.")
    state: JobState = JobState.QUEUED
    file: str
    page: int | None = Field(None, description="The page of its file that is asked about; null for all.")
    pages: int | None = Field(
        None, description="How many pages its file has; null for a format without, and for several files."
    )
    question: str
    model: str
    image: str | None = Field(None, description="SHA-256 of its image; null below a link.")
    media_type: str | None = None
    images: list[ImageView] | None = Field(
        None,
        description="Each of its images, in their order, where it was made of a list of files; else null.",
    )
    data: Any = Field(
        None,
        description="What the answer says, where it was to be JSON; null for plain text and for no answer.",
    )
    logprobs: LogprobsView | None = Field(
        None,
        description="How likely each token of the answer was, before it was held to a format. Only where it"
        " was asked for, and never in lists; null while there is no answer.",
    )
    attempts: int = 0
    created_at: AwareDatetime = Field(default_factory=utc_now)
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    lines: list[LineView] | None = Field(  # type: ignore[assignment]  # a job keeps them as one text
        None, description="Where each line stands; only with `lines=true`, and null where that is not known."
    )


class NewJobView(JobView):
    """A job that was just made, or is still to be answered."""

    model_config = PLACED
