"""What a slot keeps of a job's images and their pages while it looks at them, and one answer for all."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from jobs.contract.asking.pages import Pages
from jobs.contract.models import FinishReason, Job, Look, Note, Usage
from worker.engines.base import Answer
from worker.job.decode.decoder import Decoded


@dataclass
class Looked:
    """What is known of a job's images so far: it stays known when a later step fails.

    It begins at the page that is asked about, or the first of all.
    """

    job: Job
    #: The place of the image that is looked at now, counted from 0; None once all are asked about together.
    place: int | None = 0
    #: The page of it that is looked at now.
    page: int = field(init=False)
    #: How many pages its file has.
    pages: int = field(init=False)
    #: How many pages the images before it have.
    before: int = 0
    looks: list[Look] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page, self.pages = self.job.page or 1, self.job.pages or 1

    @property
    def _are_several(self) -> bool:
        return len(self.job.images) > 1

    def turn_to(self, place: int) -> None:
        """Go on with the first page of the next image."""
        self.before += self.pages
        self.place, self.page, self.pages = place, 1, 1

    def see(self, decoded: Decoded) -> None:
        """Note what a page was found to be; an image's size is that of its first one."""
        self.pages = decoded.pages
        assert self.place is not None
        if len(self.looks) == self.place:
            self.looks.append(Look(width=decoded.width, height=decoded.height))
        elif self._are_several:
            self._add_to_look(pages=self.page)
        self.note(*decoded.notes)

    def note(self, *notes: Note) -> None:
        """Add what is not noted yet of the image that was looked at last."""
        look = self.looks[-1]
        self._add_to_look(notes=(*look.notes, *(note for note in notes if note not in look.notes)))

    def _add_to_look(self, **more: Any) -> None:
        self.looks[-1] = self.looks[-1].model_copy(update=more)

    @property
    def number(self) -> int:
        """The page that is looked at now, counted through all images."""
        return self.before + self.page

    def placed(self, message: str) -> str:
        """An error's message, which says of which image and page it speaks where there are several."""
        if self.place is None:
            return message
        page = f"Page {self.page} of {self.pages}" if self.pages > 1 else ""
        if not self._are_several:
            return f"{page}: {message}" if page else message
        _, name, _ = self.job.about(self.place)
        image = f"Image {self.place + 1} of {len(self.job.images)}, {name}"
        return f"{image}, {page.lower()}: {message}" if page else f"{image}: {message}"

    @property
    def pixels(self) -> int:
        """Those of the largest image."""
        return max(((look.width or 0) * (look.height or 0) for look in self.looks), default=0)

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of a Result that belong to the images."""
        first = self.looks[0] if self.looks else Look()
        notes = tuple(dict.fromkeys(chain.from_iterable(look.notes for look in self.looks)))
        facts = {"width": first.width, "height": first.height, "notes": notes}
        return facts | {"looks": tuple(self.looks)} if self._are_several else facts


def are_together(job: Job) -> bool:
    """True when one answer is about all pages of its files, though its model looks at one at a time."""
    return job.options.pages is Pages.TOGETHER and job.page is None


def made_ready(job: Job, most: int) -> int:
    """How many pages are made ready for one answer; of several files it is only known that `most` may be."""
    if not are_together(job):
        return len(job.images)
    return most if len(job.images) > 1 else job.pages or 1


def joined(answers: Sequence[Answer]) -> Answer:
    """The answers about the pages of a job's files as one; a single one stays as it is.

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
    pixels = [usage.read_pixels for usage in usages if usage.read_pixels is not None]
    thoughts = [usage.reasoning_tokens for usage in usages if usage.reasoning_tokens is not None]
    prompts = [usage.prompt_tokens for usage in usages if usage.prompt_tokens is not None]
    return Usage(
        visual_tokens=sum(usage.visual_tokens for usage in usages),
        read_pixels=sum(pixels) if pixels else None,
        prompt_tokens=sum(prompts) if prompts else None,
        output_tokens=sum(usage.output_tokens for usage in usages),
        reasoning_tokens=sum(thoughts) if thoughts else None,
        lines=sum(lines) if lines else None,
        confidence=min(confidences, default=None),
        device_s=round(sum(seconds), 6) if seconds else None,
        pages=len(usages),
    )
