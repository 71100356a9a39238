"""What was said."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from jobs.contract.base import Kept


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
