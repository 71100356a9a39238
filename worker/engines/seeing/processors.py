"""Turns images and questions into tensors, on the CPU and ahead of the device.

Each image becomes patches and each question tokens in their slot's thread, and a batch only has to be padded
and joined: for Qwen's families and GLM-4V here, for others by any_processor.py. A question comes after all
images; in a chat each has its place.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol

import torch
from PIL import Image
from transformers.models.glm4v.processing_glm4v import Glm4vProcessor
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor

from jobs.contract.asking.chat import Turn
from jobs.contract.asking.pixels import PixelRange
from worker.engines import families
from worker.engines.constraint.grammars import Grammar
from worker.engines.proportions import MOST_ELONGATED, fit, scale_for, scaled
from worker.engines.sampling import Sampling
from worker.engines.saying.stops import Stops
from worker.engines.seeing.cutting import Cutter, seen_size
from worker.engines.seeing.image_only import BACKEND, image_only
from worker.engines.seeing.templates import asked, use_template
from worker.engines.weights.source import Source

#: Pixels behind one visual token of a Qwen2.5-VL: 28 × 28.
PIXELS_PER_TOKEN = 784
#: The fewest visual tokens that may be asked for: the makers of Qwen2.5-VL do not go below.
_LEAST_TOKENS = 4
#: How many times the usual pixels may be asked for when the settings do not say.
_MOST_TIMES = 4
_ZERO_WIDTH_SPACE = "\u200b"
#: Tensors that are padded to the batch's longest job, on the left because a decoder goes on at the right.
_PADDED = ("input_ids", "attention_mask", "mm_token_type_ids")
#: Tensors whose rows belong to the jobs one after the other.
_JOINED = ("pixel_values", "colors", "image_sizes", "image_grid_thw")


@dataclass(frozen=True)
class SeenImage:
    """One image: its patches, or its colors until they are cut on the device; else the scaled image."""

    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    image: Image.Image | None = None


@dataclass(frozen=True)
class JobInput:
    """One job for the device."""

    #: What it costs on the device.
    visual_tokens: int
    max_new_tokens: int
    tensors: Mapping[str, torch.Tensor]
    #: What its answer is held to; None for plain text.
    grammar: Grammar | None = None
    #: How many of the likeliest tokens are noted in each place of its answer; None for nothing of that.
    top_logprobs: int | None = None
    #: How its tokens are drawn; None for the likeliest.
    sampling: Sampling | None = None
    #: Where its answer ends early; None for no such texts.
    stops: Stops | None = None


class Processor(Protocol):
    """Turns jobs into a model's input."""

    @property
    def own(self) -> Any:
        """The model's own processor, as transformers has it."""

    @property
    def tokenizer(self) -> Any:
        """The model's own tokenizer."""

    @property
    def cutter(self) -> Cutter | None:
        """What cuts images on the device; None where they come cut."""

    @property
    def max_pixels(self) -> PixelRange | None:
        """Between what a job may choose; None where only the model's own processor knows what is seen."""

    @property
    def pixels_per_token(self) -> int | None:
        """Pixels behind one visual token, once an image is scaled; None in the same case."""

    def see(self, image: Image.Image, max_pixels: int | None = None) -> SeenImage:
        """What depends on one image alone; called from many threads at once."""

    def prepare(
        self,
        seen: Sequence[SeenImage],
        turns: Sequence[Turn],
        max_new_tokens: int,
        *,
        thinking: bool | None = None,
    ) -> JobInput:
        """One job about images that were seen, in their order; called from many threads at once.

        `thinking` says whether the model thinks aloud before it answers; None leaves that to its template.
        """

    def collate(self, batch: Sequence[JobInput]) -> dict[str, torch.Tensor]:
        """The model's input for all of them, padded on the left."""

    def can_join(self) -> bool:
        """Whether several jobs may be on the device together; takes a moment."""


class GridProcessor:
    """Prepares jobs of families that see an image as a grid of patches (families.GRIDS), each job whole.

    Images are scaled down to `max_pixels`; a job may ask for up to `most_pixels`. With `as_bytes` patches are
    the colors as they are, for whoever makes a model's numbers of them. With `cut_on`
    images are scaled and cut on that device, where that makes the same of them.
    """

    def __init__(
        self,
        source: Source,
        max_pixels: int,
        most_pixels: int = 0,
        *,
        family: str = "qwen2_5_vl",
        as_bytes: bool = False,
        cut_on: torch.device | None = None,
    ) -> None:
        self._as_bytes = as_bytes
        kind = Glm4vProcessor if family in families.GLM else Qwen2_5_VLProcessor
        self.own = source.load(image_only(kind), backend=BACKEND)
        self.tokenizer = self.own.tokenizer
        self.tokenizer.padding_side = "left"
        use_template(self.own)
        self._cleaner = TextCleaner(self.tokenizer)
        own = self.own.image_processor
        cutter = Cutter(own, cut_on) if cut_on else None
        self.cutter = cutter if cutter and cutter.is_exact() else None
        self.pixels_per_token = (own.patch_size * own.merge_size) ** 2
        #: Whether images are scaled before the processor has them.
        self._is_scaled_here = family not in families.GLM and own.do_resize
        #: What an image of one pixel counts in the processor's sizes.
        self._frames = own.temporal_patch_size if family in families.GLM else 1
        self.size = self._limit_size(max_pixels)
        usual = self._pixels_of(self.size)
        most = self._pixels_of(self._limit_size(most_pixels or _MOST_TIMES * max_pixels))
        least = min(_LEAST_TOKENS * self.pixels_per_token, usual)
        self.max_pixels = PixelRange(least=least, default=usual, most=max(usual, most))

    def _limit_size(self, max_pixels: int) -> dict[str, int]:
        """The areas between which images are scaled; a model's own limit is never raised.

        They are called edges, but are areas.
        """
        own = self.own.image_processor.size
        largest = min(max_pixels * self._frames, own["longest_edge"])
        return {"shortest_edge": min(own["shortest_edge"], largest), "longest_edge": largest}

    def _pixels_of(self, size: Mapping[str, int]) -> int:
        """The most pixels that an image of such a size has."""
        return size["longest_edge"] // self._frames

    def see(self, image: Image.Image, max_pixels: int | None = None) -> SeenImage:
        """Scale, and cut into patches; raises TooLarge (`image_too_thin`)."""
        size = self._limit_size(max_pixels) if max_pixels else self.size
        # As long as the thinnest image that has just the most pixels; the processor scales what is not thin.
        longest_px = sqrt(MOST_ELONGATED * max(*map(self._pixels_of, (size, self.size))))
        scale = scale_for(image.size, longest_px / max(image.size))
        fitting = fit(scaled(image, scale, Image.Resampling.BICUBIC))
        if self.cutter:
            return SeenImage(self.cutter.uncut(fitting, size))
        how = {"do_rescale": False, "do_normalize": False} if self._as_bytes else {}
        own = self.own.image_processor
        if self._is_scaled_here:
            # The processor makes the same of it, to the bit, after several copies of the whole image.
            fitting = fitting.resize(seen_size(own, fitting, size), own.resample)
            how["do_resize"] = False
        made = own(images=[fitting], size=size, return_tensors="pt", **how)
        if self._as_bytes:
            made["pixel_values"] = made["pixel_values"].to(torch.uint8)
        return SeenImage(dict(made))

    def prepare(
        self,
        seen: Sequence[SeenImage],
        turns: Sequence[Turn],
        max_new_tokens: int,
        *,
        thinking: bool | None = None,
    ) -> JobInput:
        """Tokenise, with a place for each visual token: what the stock processor does after the patches."""
        images = _joined([image.tensors for image in seen])
        places = images["image_grid_thw"].prod(dim=1) // self.own.image_processor.merge_size**2
        text = asked(self.own, [*map(self._cleaner.cleaned, turns)], thinking)
        tokens = self.tokenizer([self._with_places(text, places.tolist())], return_tensors="pt")
        kinds = (tokens["input_ids"] == self.own.image_token_id).long()
        tensors = {**images, **tokens, "mm_token_type_ids": kinds}
        return JobInput(int(places.sum()), max_new_tokens, tensors)

    def _with_places(self, text: str, places: Sequence[int]) -> str:
        """The text with as many image tokens for each image as it has visual tokens."""
        token = self.own.image_token
        first, *others = text.split(token)
        if len(others) != len(places):
            raise ValueError(f"the chat template made {len(others)} of {len(places)} places ({token})")
        return first + "".join(token * many + then for many, then in zip(places, others, strict=True))

    def collate(self, batch: Sequence[JobInput]) -> dict[str, torch.Tensor]:
        """Pad on the left, and join."""
        jobs = [prepared.tensors for prepared in batch]
        longest = max(job["input_ids"].shape[1] for job in jobs)
        fill = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "mm_token_type_ids": 0}
        padded = {
            name: torch.cat([_pad_left(job[name], longest, fill[name]) for job in jobs]) for name in _PADDED
        }
        return padded | _joined(jobs)

    def can_join(self) -> bool:
        """True: each job's tensors are its own."""
        return True


class TextCleaner:
    """Makes plain text of the control tokens in what people write, which would steer the model.

    `<|image_pad|>` in a question would claim a place for an image that is not there, and `<|im_end|>` would
    end the user's turn in the chat. A zero-width space behind their first character changes nothing that a
    person sees.
    """

    def __init__(self, tokenizer: Any) -> None:
        control = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        control |= set(tokenizer.all_special_tokens)
        longest_first = sorted((token for token in control if token.strip()), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def clean(self, text: str) -> str:
        """A text without control tokens; normalised first, so that none appears afterwards."""
        text = unicodedata.normalize("NFC", text)
        return self._control.sub(lambda found: found[0][0] + _ZERO_WIDTH_SPACE + found[0][1:], text)

    def cleaned(self, turn: Turn) -> Turn:
        """A turn whose texts are clean."""
        parts = tuple(part if part is None else self.clean(part) for part in turn.parts)
        return Turn(role=turn.role, parts=parts)


def _joined(parts: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The tensors of images one after the other; those of a single one are not copied."""
    return {
        name: torch.cat([part[name] for part in parts]) if len(parts) > 1 else parts[0][name]
        for name in _JOINED
        if name in parts[0]
    }


def _pad_left(row: torch.Tensor, length: int, value: int) -> torch.Tensor:
    return torch.nn.functional.pad(row, (length - row.shape[1], 0), value=value)
