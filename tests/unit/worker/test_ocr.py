"""The ocr engine: real text out of real images."""

import pytest
from PIL import Image, ImageDraw

from jobs.contract.catalog import OCR
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.deadline import Deadline
from worker.engines.ocr import NO_TEXT


@pytest.fixture(scope="module")
def engine():
    made = create_engine(OCR, WorkerSettings())
    made.load()
    return made


def read(engine, image: Image.Image) -> Answer:
    (answer,) = engine.generate([prepare(engine, image, "ignored", Options())])
    return answer


def page(
    lines: list[list[tuple[int, str]]], size: tuple[int, int], pitch: int, font_size: int
) -> Image.Image:
    """Words, each with its left edge, line by line."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        for left, word in line:
            pen.text((left, 10 + number * pitch), word, fill="black", font_size=font_size)
    return image


def test_text_comes_in_reading_order_with_its_count_and_confidence(engine):
    lines = [[(20, "COFFEE"), (250, "3.50")], [(20, "CAKE"), (250, "4.00")], [(20, "TOTAL"), (250, "7.50")]]
    answer = read(engine, page(lines, (360, 150), 45, 28))
    assert answer.text.splitlines() == ["COFFEE 3.50", "CAKE 4.00", "TOTAL 7.50"]
    assert answer.usage.lines == 3
    assert answer.usage.confidence is not None
    assert 0.8 < answer.usage.confidence <= 1.0


def test_an_image_without_text_says_so(engine):
    answer = read(engine, Image.new("RGB", (120, 80), "white"))
    assert (answer.text, answer.usage.lines, answer.usage.confidence) == (NO_TEXT, 0, None)


def test_what_it_reads_is_whole_however_few_tokens_are_asked_for(engine):
    image = page([[(20, "COFFEE"), (250, "3.50")]], (360, 60), 45, 28)
    (answer,) = engine.generate([prepare(engine, image, "", Options(max_new_tokens=1))])
    assert (answer.text, answer.finish_reason) == ("COFFEE 3.50", "stop")


def test_a_tall_page_of_small_text_is_read_whole(engine):
    words = [f"Item number {n * 37}" for n in range(12)]
    answer = read(engine, page([[(20, word)] for word in words], (700, 2100), 175, 16))
    assert answer.text.splitlines() == words


def test_no_piece_is_read_when_the_deadline_is_over(engine):
    prepared = prepare(engine, Image.new("RGB", (700, 2100), "white"), "", Options())
    (outcome,) = engine.generate([prepared], Deadline(timeout_s=0))
    assert outcome.code == "deadline_exceeded"


@pytest.mark.parametrize("size", [(1, 1), (2000, 3)])
def test_images_of_any_shape_are_read(engine, size):
    assert read(engine, Image.new("RGB", size, "white")).text == NO_TEXT


@pytest.mark.parametrize("size", [(1, 500), (100_000, 1), (3, 90_000), (9000, 9000)])
def test_no_shape_is_blown_up_or_cut_into_many_pieces(engine, size):
    pieces = prepare(engine, Image.new("RGB", size, "white"), "", Options()).pieces
    assert len(pieces) <= 40
    for _, _, pixels in pieces:
        height, width, _ = pixels.shape
        assert max(height, width) <= 4 * min(height, width) + 4
