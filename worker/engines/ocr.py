"""The text in an image, in reading order: pages made ready, read, and answered (worker/engines/reading/)."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import sqrt
from typing import Any, final

import numpy as np
from PIL import Image, ImageDraw

from jobs.contract.catalog import ModelCard
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options, Usage
from jobs.contract.saying.lines import Place
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Answer, Engine, ModelNotLoaded
from worker.engines.deadline import NO_DEADLINE, Deadline
from worker.engines.proportions import scale_for, scaled
from worker.engines.reading.page import Line, PageReader, Piece, TimeIsOver
from worker.engines.reading.tiles import tiles
from worker.engines.reading.weights import open_reader
from worker.ops.cores import core_count

#: The answer for an image without text: a job that succeeded always has an answer.
NO_TEXT = "(no text found)"
#: The shorter side is scaled down to this many pixels: a page photographed larger reads no better.
_SHORT_SIDE_PX = 1600
#: Pixels of all pieces together: about a dozen seconds on two cores.
_MOST_PIXELS = 16_000_000
#: The longer side of a whole page, which bounds its pieces however thin it is.
_LONG_SIDE_PX = 25_600
#: A piece is at most this many times as long as it is wide. The detector scales the shorter side up to
#: 736 pixels and the longer one with it: a strip one pixel high would become gigabytes.
_MOST_ELONGATED = 4


@dataclass(frozen=True)
class Page:
    """One image in pieces, each BGR with its left and top edge in the whole."""

    pieces: tuple[Piece, ...]
    #: How many times as large the image was, across and down.
    scale: tuple[float, float]
    visual_tokens: int = 1


@final
class OcrEngine(Engine[Page, Page]):
    """Reads one page at a time; the cores work together on each."""

    device = "cpu"
    #: One is read while the next three are fetched and decoded; reading takes far longer than both.
    default_slots = 4
    max_batch = 1
    rolling = None
    #: Its detector and recognizer read at sizes of their own.
    max_pixels = None
    enough_pixels = _MOST_PIXELS // 4
    #: The weights come with the library; the number grows when pages are read otherwise.
    identity = f"rapidocr {version('rapidocr')}, reading 7"

    def __init__(self, card: ModelCard, settings: WorkerSettings) -> None:
        self._name = card.name
        self._reader: PageReader | Any = None

    def load(self) -> None:
        """Load detector and recognizer, and read one word to prove it.

        Raises ModelNotLoaded.
        """
        try:
            self._reader = open_reader(core_count())
            self.generate([self.see(_sample())])
        except Exception as error:
            raise ModelNotLoaded(
                self._name,
                f"RapidOCR with the weights of its wheel ({error})",
                "pip install 'eva01-server[ocr]'",
            ) from error

    def see(self, image: Image.Image, max_pixels: int | None = None) -> Page:
        """Scale a huge page down and cut a long one up; raises TooLarge (`image_too_thin`)."""
        page = _scale_down(image)
        pieces = tuple(
            (left, top, np.ascontiguousarray(np.asarray(_widen(piece))[:, :, ::-1]))
            for left, top, piece in tiles(page)
        )
        return Page(pieces, (image.width / page.width, image.height / page.height))

    def prepare(self, seen: Sequence[Page], question: str, options: Options) -> Page:
        """The page is all there is; the question is not used."""
        (page,) = seen
        return page

    def generate(
        self, batch: Sequence[Page], deadline: Deadline = NO_DEADLINE
    ) -> Sequence[Answer | EngineFailure]:
        """Read each page, and look at the clock before each of its pieces."""
        return [self._read(page, deadline) for page in batch]

    def _read(self, page: Page, deadline: Deadline) -> Answer | EngineFailure:
        try:
            read = self._reader.read(page.pieces, deadline)
        except TimeIsOver:
            return deadline.failure()
        if not read.lines:
            confidence = round(read.confidence, 4) if read.left_out else None
            return Answer(NO_TEXT, Usage(lines=0, confidence=confidence), confidence=confidence)
        confidence = round(read.confidence, 4)
        return Answer(
            "\n".join(line.text for line in read.lines),
            Usage(lines=len(read.lines), confidence=confidence),
            confidence=confidence,
            places=tuple(_place(line, *page.scale) for line in read.lines),
        )


def _place(line: Line, across: float, down: float) -> Place:
    left, top, right, bottom = line.bounds
    return Place(
        left=max(0, round(left * across)),
        top=max(0, round(top * down)),
        right=round(right * across),
        bottom=round(bottom * down),
        confidence=line.confidence,
    )


def _scale_down(image: Image.Image) -> Image.Image:
    width, height = image.size
    scale = scale_for(
        image.size,
        _SHORT_SIDE_PX / min(width, height),
        _LONG_SIDE_PX / max(width, height),
        sqrt(_MOST_PIXELS / (width * height)),
    )
    return scaled(image, scale, Image.Resampling.LANCZOS)


def _widen(piece: Image.Image) -> Image.Image:
    """The piece with a margin in its corner's color, right or below, where it is too long and thin."""
    shortest = -(-max(piece.size) // _MOST_ELONGATED)
    if min(piece.size) >= shortest:
        return piece
    widened = Image.new(
        "RGB", (max(piece.width, shortest), max(piece.height, shortest)), piece.getpixel((0, 0))
    )
    widened.paste(piece)
    return widened


def _sample() -> Image.Image:
    image = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(image).text((20, 20), "EVA-01", fill="black", font_size=48)
    return image
