"""What a job is."""

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from jobs.contract.asking.response_format import data_of
from jobs.contract.base import Kept
from jobs.contract.models.asked import Asked
from jobs.contract.models.result import FinishReason, JobError, Result, Usage
from jobs.contract.saying.lines import described
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
