"""What a slot keeps of the pages of a file while it reads them, and one answer for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from jobs.contract.models import FinishReason, Job, Note, Usage
from worker.engines.base import Answer
from worker.job.decode.decoder import Decoded


@dataclass
class Looked:
    """What is known of a job's image so far: it stays known when a later step fails."""

    #: The page that is looked at now, and how many its file has.
    page: int
    pages: int
    width: int | None = None
    height: int | None = None
    notes: list[Note] = field(default_factory=list)

    @classmethod
    def at(cls, job: Job) -> "Looked":
        """Before the first look: at the page that is asked about, or the first of all."""
        return cls(job.page or 1, job.pages or 1)

    def see(self, decoded: Decoded) -> None:
        """Note what a page was found to be; the size is that of the first one."""
        self.pages = decoded.pages
        if self.width is None:
            self.width, self.height = decoded.width, decoded.height
        self.note(*decoded.notes)

    def note(self, *notes: Note) -> None:
        """Add what is not noted yet."""
        self.notes += [note for note in notes if note not in self.notes]

    def placed(self, message: str) -> str:
        """An error's message, which says of which page it speaks where there are several."""
        return f"Page {self.page} of {self.pages}: {message}" if self.pages > 1 else message

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of a Result that belong to the image."""
        return {"width": self.width, "height": self.height, "notes": tuple(self.notes)}


def joined(answers: Sequence[Answer]) -> Answer:
    """The answers about the pages of a file as one; a single one stays as it is.

    They are set apart by an empty line; pages without text are left out, unless none has any. One that is
    cut short makes the whole so, and the least sure line is that of all.
    """
    first, *others = answers
    if not others:
        return first
    texts = [answer.text for answer in answers if answer.usage.lines != 0] or [first.text]
    is_cut = any(answer.finish_reason is FinishReason.LENGTH for answer in answers)
    return replace(
        first,
        text="\n\n".join(texts),
        places=tuple(chain.from_iterable(answer.places for answer in answers)),
        usage=_sum([answer.usage for answer in answers]),
        confidence=min((one for answer in answers if (one := answer.confidence) is not None), default=None),
        finish_reason=FinishReason.LENGTH if is_cut else FinishReason.STOP,
    )


def _sum(usages: Sequence[Usage]) -> Usage:
    lines = [usage.lines for usage in usages if usage.lines is not None]
    confidences = [usage.confidence for usage in usages if usage.confidence is not None]
    seconds = [usage.device_s for usage in usages if usage.device_s is not None]
    return Usage(
        visual_tokens=sum(usage.visual_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        lines=sum(lines) if lines else None,
        confidence=min(confidences, default=None),
        device_s=round(sum(seconds), 6) if seconds else None,
        pages=len(usages),
    )
