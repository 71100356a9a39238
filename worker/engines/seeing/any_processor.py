"""Prepares jobs for models of any family by their own processors, each job whole in its slot's thread.

What a processor makes of a job says what the job costs on the device, before it is taken there. Of several
jobs one input is made by putting theirs together (joining.py), where that is the same as what the processor
makes of all of them, which is tried when it is loaded; else each job goes alone.
"""

import logging
from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from PIL import Image

from jobs.contract.asking.chat import Turn, question_about
from jobs.contract.discreet import discreet
from jobs.contract.errors import EngineFailure
from worker.engines.proportions import fit, scale_for, scaled
from worker.engines.seeing.image_only import load_processor
from worker.engines.seeing.joining import joined
from worker.engines.seeing.processors import PIXELS_PER_TOKEN, JobInput, SeenImage, TextCleaner
from worker.engines.seeing.templates import asked, rendered, use_template
from worker.engines.seeing.tiling import limit_tiles
from worker.engines.weights.source import Source

logger = logging.getLogger(__name__)

#: The longest side of what is seen, in sides of a square of as many pixels as may be seen: some processors
#: make a square of what they get.
_LONGEST_SIDES = 4
#: Images of different shapes with which it is tried whether jobs can be put together.
_TRIED = (("navy", (64, 48)), ("olive", (300, 900)), ("teal", (300, 90)), ("maroon", (50, 50)))
#: What no model needs for its answer.
_NOT_READ = ("labels",)
_COLORS = 3


class AnyProcessor:
    """A model's own processor, asked about one job at a time."""

    #: It has sizes of its own, which it may scale an image up or down to.
    max_pixels = pixels_per_token = None
    #: It makes patches of its own, or none.
    cutter = None

    def __init__(self, source: Source, max_pixels: int) -> None:
        self.own = load_processor(source)
        limit_tiles(self.own, max_pixels)
        self.tokenizer = self.own.tokenizer
        self.tokenizer.padding_side = "left"
        use_template(self.own)
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self._cleaner = TextCleaner(self.tokenizer)
        self._max_pixels = max_pixels

    def see(self, image: Image.Image, max_pixels: int | None = None) -> SeenImage:
        """Scale down to the limit; raises TooLarge (`image_too_thin`)."""
        side_px = sqrt(self._max_pixels)
        scale = scale_for(
            image.size,
            side_px / sqrt(image.width * image.height),
            _LONGEST_SIDES * side_px / max(image.size),
        )
        return SeenImage(image=fit(scaled(image, scale, Image.Resampling.BICUBIC)))

    def prepare(
        self,
        seen: Sequence[SeenImage],
        turns: Sequence[Turn],
        max_new_tokens: int,
        *,
        thinking: bool | None = None,
    ) -> JobInput:
        """Have the model's own processor make the job; raises EngineFailure where that fails."""
        images = [one.image for one in seen if one.image is not None]
        text = asked(self.own, [*map(self._cleaner.cleaned, turns)], thinking)
        try:
            # In a list of its own for each text some do not take them; for one text all do without.
            made = self._made(text=[text], images=images or None)
        except Exception as error:
            raise EngineFailure(f"The model's own processor failed on it: {discreet(error)}") from error
        return JobInput(self._cost(made), max_new_tokens, made)

    def collate(self, batch: Sequence[JobInput]) -> dict[str, torch.Tensor]:
        """Pad on the left, and join."""
        return joined([prepared.tensors for prepared in batch], self.tokenizer.pad_token_id)

    def can_join(self) -> bool:
        """True when what is put together of several jobs is what the processor makes of all of them."""
        images = [self.see(Image.new("RGB", size, color)).image for color, size in _TRIED]
        one, other, *several = images
        jobs = [([one], "a"), ([other], "b " * 9)]
        if self._takes(several):
            jobs.append((several, "c " * 5))
        return self._joins(jobs)

    def _takes(self, images: Sequence[Any]) -> bool:
        """Whether one job may have all of them."""
        try:
            self._made(text=[self._text(images, "?")], images=[*images])
        except Exception:
            return False
        return True

    def _joins(self, jobs: Sequence[tuple[Sequence[Any], str]]) -> bool:
        texts = [self._text(*job) for job in jobs]
        nested = [[*images] for images, _ in jobs]
        # Some take a list of images for each text, others all images in one.
        for images in (nested, [image for several in nested for image in several]):
            try:
                whole = self._made(text=texts, images=images, padding=True)
                apart = [self._made(text=[text], images=own) for text, own in zip(texts, nested, strict=True)]
                ours = joined(apart, self.tokenizer.pad_token_id)
            except Exception as error:
                logger.debug("Jobs were not put together: %r", error)
                continue
            if whole.keys() == ours.keys() and all(torch.equal(whole[name], ours[name]) for name in whole):
                return True
        return False

    def _text(self, images: Sequence[Any], question: str) -> str:
        return rendered(self.own, [question_about(len(images), question)])

    def _made(self, **given: Any) -> dict[str, torch.Tensor]:
        """Tensors of what the processor is given."""
        made = self.own(**given, return_tensors="pt")
        return {name: value for name, value in made.items() if name not in _NOT_READ}

    def _cost(self, made: dict[str, torch.Tensor]) -> int:
        """Visual tokens: as many as there are places for them, or as the pixels that were made would be."""
        place = getattr(self.own, "image_token", None)
        places = (made["input_ids"] == self.tokenizer.convert_tokens_to_ids(place)).sum() if place else 0
        # Videos' models see an image as several frames, all of them the same.
        frames = getattr(self.own.image_processor, "temporal_patch_size", None) or 1
        values = sum(value.numel() for value in made.values() if value.is_floating_point())
        return max(1, int(places), values // (_COLORS * frames * PIXELS_PER_TOKEN))
