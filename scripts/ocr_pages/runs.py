"""Draws and reads pages, in one process or several, the same page by `ocr` and by RapidOCR alone in turn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from time import perf_counter

from PIL import Image

from jobs.contract.catalog import OCR
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from scripts.ocr_pages.layouts import drawn
from scripts.ocr_pages.plain import Plain
from scripts.ocr_pages.scoring import Score, score
from scripts.ocr_pages.sheets import Sheet, sheet
from scripts.ocr_pages.wear import worn
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.deadline import NO_DEADLINE
from worker.ops.cores import core_count


@dataclass(frozen=True)
class Run:
    """What is to be measured."""

    pages: int
    first: int
    seed: int
    processes: int
    compare_every: int
    keep: Path | None
    write: bool


@dataclass(frozen=True)
class Reading:
    """How a page was read, and in how many seconds."""

    score: Score
    seconds: float
    confidence: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A page, how `ocr` read it, and how RapidOCR alone did, where that was asked for."""

    sheet: Sheet
    ours: Reading
    plain: Reading | None


def run(given: Run) -> Iterator[Outcome]:
    """Read every page; in the order of their numbers."""
    numbers = range(given.first, given.first + given.pages)
    if given.processes == 1:
        yield from (read_page(given, number) for number in numbers)
        return
    with ProcessPoolExecutor(given.processes) as pool:
        yield from pool.map(partial(read_page, given), numbers)


def read_page(given: Run, number: int) -> Outcome:
    """Draw one page, and read it."""
    drawn_sheet = sheet(given.seed, number)
    page, lines = drawn(drawn_sheet, given.seed)
    image = worn(page, drawn_sheet)
    ours = _timed(_ocr(), image, lines)
    plain = _timed(_plain(), image, lines) if number % given.compare_every == 0 else None
    if given.keep and (ours.score.misread or not ours.score.is_in_order):
        given.keep.mkdir(parents=True, exist_ok=True)
        image.save(given.keep / f"{number:03}.png")
        told = [f"{written}\n    {read}" for written, read in ours.score.misread]
        (given.keep / f"{number:03}.txt").write_text(
            "\n".join([*lines, "", "MISREAD", *told]), encoding="utf-8"
        )
    return Outcome(drawn_sheet, ours, plain)


Read = Callable[[Image.Image], tuple[list[str], float | None]]


def _timed(read: Read, image: Image.Image, lines: list[str]) -> Reading:
    began = perf_counter()
    found, confidence = read(image)
    seconds = perf_counter() - began
    return Reading(score(lines, found), seconds, confidence)


@cache
def _ocr() -> Read:
    engine = create_engine(OCR, WorkerSettings())
    engine.load()

    def read(image: Image.Image) -> tuple[list[str], float | None]:
        (answer,) = engine.generate([engine.prepare([engine.see(image)], "", Options())], NO_DEADLINE)
        if not isinstance(answer, Answer):
            raise answer
        return answer.text.splitlines(), answer.usage.confidence

    return read


@cache
def _plain() -> Read:
    plain = Plain(core_count())
    return lambda image: (plain.read(image), None)
