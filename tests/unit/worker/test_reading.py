"""Reading: lines in order, long pages cut between lines."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw

from worker.engines.reading.boxes import Box
from worker.engines.reading.direction import page_angle, seems_standing
from worker.engines.reading.letters import Letter, Reading
from worker.engines.reading.order import TextBox, in_reading_order
from worker.engines.reading.tiles import tiles

CLEAR = Reading(tuple(Letter(letter, 1.0, 10.0 * place) for place, letter in enumerate("text")))


def box(text: str, left: float, top: float, height: float = 20, width: float = 50) -> TextBox:
    return TextBox(text, 1.0, left, top, left + width, top + height)


def column(
    name: str, left: float, top: float = 0, lines: int = 6, width: float = 300, pitch: float = 30
) -> list[TextBox]:
    """Lines of prose above each other, the last of them half as long."""
    return [
        box(f"{name}{n}", left, top + n * pitch, width=width / 2 if n == lines - 1 else width - n % 3 * 12)
        for n in range(lines)
    ]


def row(top: float, *cells: tuple[float, str], width: float = 60) -> list[TextBox]:
    return [box(text, left, top, width=width) for left, text in cells]


def read(*boxes: TextBox) -> list[str]:
    """The lines in reading order, whatever the order in which boxes were found."""
    return [" ".join(line) for line in texts(*sorted(boxes, key=lambda box: box.text[::-1]))]


def named(name: str, lines: int = 6) -> list[str]:
    return [f"{name}{n}" for n in range(lines)]


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


def test_a_label_that_stands_beside_rows_is_on_none_of_them():
    rows = [cell for n in range(5) for cell in row(n * 40, (60, f"{n}0"), (300, f"name {n}"))]
    wanted = [f"{n}0 name {n}" for n in range(5)]
    wanted.insert(2, "Ships per month")
    assert read(box("Ships per month", 0, 10, height=120, width=24), *rows) == wanted


def test_a_label_that_stands_beside_columns_does_not_hide_the_heading_that_ends_them():
    boxes = [*column("a", 0, top=60), *column("b", 340, top=60), *column("c", 0, 320), *column("d", 340, 320)]
    heading = box("Middle", 180, 270, 30, width=280)
    label = box("Gazette", -60, 0, height=500, width=24)
    found = read(label, heading, *boxes)
    assert [line for line in found if line != "Gazette"] == [
        *(*named("a"), *named("b"), "Middle"),
        *(*named("c"), *named("d")),
    ]


def test_what_is_far_higher_than_a_row_is_not_on_it():
    assert read(box("10", 0, 70), box("I", 100, 0, height=170, width=40), box("Jan", 100, 200)) == [
        *("10", "I", "Jan"),
    ]


def test_a_line_that_runs_slightly_downhill_is_one_line():
    assert texts(*(box(str(n), n * 60, n * 4) for n in range(8))) == [[str(n) for n in range(8)]]


def test_two_columns_are_read_one_after_the_other():
    assert read(*column("a", 0), *column("b", 340)) == named("a") + named("b")


def test_lines_that_were_found_in_pieces_are_lines_of_a_column_all_the_same():
    def halves(name: str, left: float) -> list[TextBox]:
        ends = [(left + 60 + 20 * n, f"{name}{n}") for n in range(6)]
        return [
            half
            for n, (end, text) in enumerate(ends)
            for half in (
                box(text, left, n * 30, width=end - left),
                box("and on", end + 14, n * 30, width=left + 286 - end),
            )
        ]

    wanted = [f"{name} and on" for name in [*named("a"), *named("b")]]
    assert read(*halves("a", 0), *halves("b", 340)) == wanted


def test_columns_whose_lines_are_not_at_one_height_are_read_one_after_the_other():
    assert read(*column("a", 0), *column("b", 340, top=13)) == named("a") + named("b")


def test_columns_whose_lines_stand_between_each_other_end_at_what_reaches_across():
    title, below = box("Title", 100, 0, 36, width=420), column("y", 0, 320, 3, width=640)
    columns = [*column("a", 0, 70, pitch=24), *column("b", 340, 82, pitch=24)]
    assert read(title, *columns, *below) == ["Title", *named("a"), *named("b"), *named("y", 3)]


def test_three_columns_of_different_lengths_are_read_one_after_the_other():
    boxes = [*column("a", 0, lines=9), *column("b", 340, lines=9), *column("c", 680, lines=4)]
    assert read(*boxes) == named("a", 9) + named("b", 9) + named("c", 4)


def test_a_heading_across_columns_ends_those_above_it():
    boxes = [*column("a", 0, top=60), *column("b", 340, top=60), *column("c", 0, 320), *column("d", 340, 320)]
    title, middle = box("Title", 100, 0, 36, width=420), box("Middle", 180, 270, 30, width=280)
    assert read(title, middle, *boxes) == [
        *("Title", *named("a"), *named("b")),
        *("Middle", *named("c"), *named("d")),
    ]


def test_a_short_heading_at_the_left_edge_ends_the_columns_above_it():
    boxes = [*column("a", 0, top=60), *column("b", 340, top=60), *column("c", 0, 320), *column("d", 340, 320)]
    heading = box("Next", 0, 275, 30, width=120)
    assert read(heading, *boxes) == [*named("a"), *named("b"), "Next", *named("c"), *named("d")]


@pytest.mark.parametrize("left", [280, 312])
def test_a_short_heading_over_the_gutter_ends_the_columns_above_it(left):
    boxes = [*column("a", 0, top=60), *column("b", 340, top=60), *column("c", 0, 320), *column("d", 340, 320)]
    heading = box("PART", left, 274, width=45)
    assert read(heading, *boxes) == [*named("a"), *named("b"), "PART", *named("c"), *named("d")]


def test_text_across_the_page_above_and_below_columns_keeps_its_place():
    above, below = column("x", 0, 0, 3, width=640), column("y", 0, 320, 3, width=640)
    boxes = [*above, *column("a", 0, 110), *column("b", 340, 110), *below]
    assert read(*boxes) == [*named("x", 3), *named("a"), *named("b"), *named("y", 3)]


def test_what_two_people_wrote_in_turn_is_read_from_the_top_down():
    said = [
        *(box("Are you at the quay?", 0, 0, width=220), box("Yes, next to the crane.", 640, 60, width=240)),
        *(box("I cannot see you.", 0, 120, width=190), box("There is fog.", 0, 154, width=140)),
        *(box("Ring the bell, then.", 640, 214, width=220), box("I shall answer.", 640, 248, width=160)),
    ]
    assert read(*said) == [one.text for one in said]


def test_long_lines_that_two_people_wrote_in_turn_are_read_from_the_top_down():
    said = [box(f"{'b' if n % 2 else 'a'}{n}", n % 2 * 640, n * 60, width=600 - n * 5) for n in range(6)]
    assert read(*said) == ["a0", "b1", "a2", "b3", "a4", "b5"]


def test_a_caption_belongs_to_its_column():
    left = [*column("a", 0, 0, 3), box("Figure 1: A boat", 0, 230, 18, width=180), *column("c", 0, 290, 4)]
    assert read(*left, *column("b", 340, 0, 14)) == [
        *("a0", "a1", "a2", "Figure 1: A boat", "c0", "c1", "c2", "c3"),
        *named("b", 14),
    ]


def test_a_table_is_read_row_by_row():
    rows = [row(n * 36, (0, f"name {n}"), (300, f"{n}.50"), (420, f"{n * 7}")) for n in range(6)]
    assert read(*(cell for cells in rows for cell in cells)) == [f"name {n} {n}.50 {n * 7}" for n in range(6)]


def test_a_table_whose_first_cells_are_long_is_read_row_by_row():
    names = [box(f"A long name of a thing {n}", 0, n * 36, width=250 - n * 17) for n in range(6)]
    sums = [box(f"{n}.50", 320, n * 36, width=45) for n in range(6)]
    assert read(*names, *sums) == [f"A long name of a thing {n} {n}.50" for n in range(6)]


def test_a_table_of_words_alone_is_read_row_by_row():
    rows = [
        cell
        for n in range(6)
        for cell in (
            box(f"Opening a thing {n}", 0, n * 40, width=190 - n % 2 * 25),
            box(f"Bring what is needed for it {n}", 260, n * 40, width=300 - n % 3 * 30),
        )
    ]
    assert read(*rows) == [f"Opening a thing {n} Bring what is needed for it {n}" for n in range(6)]


PHRASES = [
    ("The ship is in the harbour.", "Das Schiff liegt im Hafen."),
    ("The bell rings at noon.", "Die Glocke läutet mittags."),
    ("We buy oil for the lamps.", "Wir kaufen Öl für Lampen."),
    ("The captain reads a letter.", "der Kapitän liest einen Brief."),
    ("It rains in the evening.", "am Abend regnet es stark."),
]


def pairs(rows: list[tuple[str, str]], pitch: float, left: float = 360) -> list[TextBox]:
    """Two columns of lines at the same heights, each as wide as its letters need."""
    return [
        box(text, place * left, n * pitch, width=11 * len(text))
        for n, row in enumerate(rows)
        for place, text in enumerate(row)
    ]


@pytest.mark.parametrize("pitch", [26, 30, 36])
def test_sentences_and_their_translations_are_read_row_by_row_however_close(pitch):
    assert read(*pairs(PHRASES, pitch)) == [" ".join(row) for row in PHRASES]


@pytest.mark.parametrize("lowered", [str.lower, str.swapcase])
def test_whole_sentences_that_begin_with_no_capital_are_rows_as_well(lowered):
    rows = [tuple(map(lowered, row)) for row in PHRASES]
    assert read(*pairs(rows, 30)) == [" ".join(row) for row in rows]


def test_close_rows_of_long_cells_and_a_sum_are_read_row_by_row():
    rows = [(one, other.lower(), f"{n * 7 + 2}.50") for n, (one, other) in enumerate(PHRASES)]
    sums = [box(cells[2], 760, n * 30, width=55) for n, cells in enumerate(rows)]
    assert read(*pairs([cells[:2] for cells in rows], 30), *sums) == [" ".join(cells) for cells in rows]


def test_two_lists_of_items_beside_each_other_are_read_one_after_the_other():
    for mark in ("-", "{}."):
        lists = [[f"{mark.format(n)} {row[side]}" for n, row in enumerate(PHRASES, 1)] for side in (0, 1)]
        rows = list(zip(*lists, strict=True))
        assert read(*pairs(rows, 30)) == [*lists[0], *lists[1]]


def test_columns_of_prose_at_the_same_heights_are_read_one_after_the_other():
    lines = [
        *("The harbour master wrote to", "every captain that spring as", "Several ships had come in"),
        *("without lanterns. One of them", "almost struck the mole.", "He asked for nothing more"),
    ]
    rows = list(zip(lines, [line + " so" for line in lines], strict=True))
    assert read(*pairs(rows, 30, left=350)) == [*(one for one, _ in rows), *(other for _, other in rows)]


def test_a_heading_a_little_larger_than_the_rows_below_it_is_read_first():
    rows = [*PHRASES[:3], ("A much longer line than those before.", "So it goes on."), *PHRASES[3:]]
    heading = box("Phrases of the sea", 310, -40, height=25, width=300)
    assert read(heading, *pairs(rows, 30, left=420)) == [heading.text, *(" ".join(row) for row in rows)]


def test_a_table_between_two_paragraphs_is_read_in_its_place():
    cells = [cell for n in range(4) for cell in row(110 + n * 36, (0, f"name {n}"), (400, f"{n}.50"))]
    boxes = [*column("x", 0, 0, 3, width=640), *cells, *column("y", 0, 270, 3, width=640)]
    assert read(*boxes) == [*named("x", 3), *(f"name {n} {n}.50" for n in range(4)), *named("y", 3)]


def test_a_column_that_begins_lower_than_the_one_before_it_is_read_after_it():
    heading = box("Title", 100, 0, 36, width=420)
    right = [box("Figure 1: A boat", 340, 160, 18, width=180), *column("b", 340, 220)]
    assert read(heading, *column("a", 0, 60, 11), *right) == [
        *("Title", *named("a", 11)),
        *("Figure 1: A boat", *named("b")),
    ]


def test_a_table_in_a_column_is_read_row_by_row_after_the_text_above_it():
    cells = [cell for n in range(4) for cell in row(220 + n * 36, (340, f"0{n}:00"), (520, f"0{n}:40"))]
    assert read(*column("a", 0, lines=12), *column("b", 340), *cells) == [
        *(*named("a", 12), *named("b")),
        *(f"0{n}:00 0{n}:40" for n in range(4)),
    ]


def test_a_page_number_below_columns_comes_last():
    assert read(*column("a", 0), *column("b", 340), box("7", 310, 240, width=15))[-1] == "7"


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


def test_bars_in_which_nothing_is_written_do_not_tell_how_a_chart_is_turned():
    bars = [Box(100, place * 100, 80, 41, -90) for place in range(4)]
    names = [Box(400, place * 100, 48, 30, -90) for place in range(4)]
    title, label = Box(50, 200, 260, 40, -90), Box(250, 700, 94, 33, 0)

    def read(box: Box) -> Reading:
        way = 0.0 if any(box.x == bar.x for bar in bars) else 180.0 if box.y == label.y else 270.0
        is_right = way and box.angle_deg % 360 == way
        return CLEAR if is_right else Reading()

    boxes = [label, title, *bars, *names]
    assert page_angle(boxes, lambda some: [read(box) for box in some]) % 360 == 270


def seen(image: Image.Image) -> bool:
    return seems_standing([np.ascontiguousarray(np.asarray(image)[:, :, ::-1])])


def test_a_page_on_its_side_is_seen_at_a_glance_however_it_is_askew():
    page = Image.new("RGB", (1400, 1900), "white")
    pen = ImageDraw.Draw(page)
    for top in range(100, 1800, 50):
        left = 100
        for word in range(8):
            width = 40 + (top * 7 + word * 53) % 150
            pen.rectangle((left, top, left + width, top + 22), fill="black")
            left += width + 20
    for askew in (0, 3):
        lying = page.rotate(askew, fillcolor="white")
        assert not seen(lying)
        assert seen(lying.transpose(Image.Transpose.ROTATE_90))


def test_of_a_photograph_nothing_is_guessed_however_much_in_it_stands():
    wall = np.tile(np.random.default_rng(1).integers(0, 255, (1, 640, 1), np.uint8), (480, 1, 3))
    assert not seen(Image.fromarray(wall))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (300, 300)])
def test_a_picture_of_any_shape_in_which_nothing_is_written_seems_to_lie(size):
    assert not seen(Image.new("RGB", size, "white"))


def test_lying_boxes_are_told_from_standing_ones_by_half_turns_too():
    lines = [Box(200, place * 40, 300, 20, 178) for place in range(5)]

    def read(boxes: Sequence[Box]) -> list[Reading]:
        return [CLEAR if abs(box.angle_deg % 360 - 358) < 1 else Reading() for box in boxes]

    assert page_angle(lines, read) % 360 == 358
