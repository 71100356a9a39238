"""Reading: lines in order, long pages cut between lines."""

import numpy as np
from PIL import Image, ImageDraw

from worker.engines.reading import TextBox, in_reading_order
from worker.engines.tiles import tiles


def box(text: str, left: float, top: float, height: float = 20) -> TextBox:
    return TextBox(text, 1.0, left, top, top + height)


def texts(*boxes: TextBox) -> list[list[str]]:
    return [[one.text for one in line] for line in in_reading_order(boxes)]


def test_lines_come_from_top_to_bottom_and_left_to_right():
    assert texts(box("d", 80, 52), box("c", 0, 50), box("b", 90, 0), box("a", 0, 3)) == [
        ["a", "b"],
        ["c", "d"],
    ]


def test_a_tall_word_and_a_small_one_beside_it_are_one_line():
    assert texts(box("TOTAL", 0, 0, 60), box("12.50", 200, 30, 20)) == [["TOTAL", "12.50"]]


def test_lines_that_nearly_touch_stay_apart():
    assert texts(box("a", 0, 0), box("b", 0, 18)) == [["a"], ["b"]]


def test_a_line_that_runs_slightly_downhill_is_one_line():
    assert texts(*(box(str(n), n * 60, n * 4) for n in range(8))) == [[str(n) for n in range(8)]]


def ruled(width: int, height: int, pitch: int = 40) -> Image.Image:
    """A page with a black bar as each line of text."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    for top in range(10, height - 20, pitch):
        for left in range(20, width - 40, 30):
            pen.rectangle((left, top, left + 18, top + 18), fill="black")
    return image


def test_a_page_of_usual_shape_is_one_piece():
    assert len(tiles(ruled(1400, 1900))) == 1


def test_a_tall_page_is_cut_between_its_lines_and_nothing_is_lost():
    image = ruled(600, 7000)
    pieces = tiles(image)
    assert next(top for _, top, _ in pieces) == 0
    assert sum(piece.height for _, _, piece in pieces) == 7000
    assert all(piece.height <= 1600 for _, _, piece in pieces)
    for _, top, piece in pieces[1:]:
        assert np.asarray(piece.convert("L"))[0].min() == 255, f"cut through a line at {top}"


def test_a_wide_image_is_cut_between_its_columns():
    pieces = tiles(ruled(5000, 300))
    assert sum(piece.width for _, _, piece in pieces) == 5000
    for left, _, piece in pieces[1:]:
        assert np.asarray(piece.convert("L"))[:, 0].min() == 255, f"cut through a word at {left}"
