"""The ocr engine with its nets: real text out of real images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from jobs.contract.catalog import OCR
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer
from worker.engines.deadline import Deadline
from worker.engines.ocr import NO_TEXT
from worker.engines.reading.direction import seems_standing
from worker.engines.reading.letters import Reading
from worker.engines.reading.recognizer import Recognizer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def engine():
    made = create_engine(OCR, WorkerSettings())
    made.load()
    return made


def read(engine, image: Image.Image) -> Answer:
    (answer,) = engine.generate([prepare(engine, image, "ignored", Options())])
    return answer


@pytest.fixture(scope="module")
def paragraph_read(engine, paragraph) -> Answer:
    """The answer to `paragraph`."""
    return read(engine, paragraph)


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
    answer = read(engine, page(lines, (740, 740), 45, 28))
    assert answer.text.splitlines() == ["COFFEE 3.50", "CAKE 4.00", "TOTAL 7.50"]
    assert answer.usage.lines == 3
    assert answer.usage.confidence is not None
    assert 0.8 < answer.usage.confidence <= 1.0


def test_of_a_line_only_the_words_that_are_not_clear_are_read_a_second_time(engine, monkeypatch, paragraph):
    widths: list[int] = []
    read_strip = Recognizer.read

    def noted(recognizer: Recognizer, strip: np.ndarray) -> Reading:
        widths.append(strip.shape[1])
        return read_strip(recognizer, strip)

    monkeypatch.setattr(Recognizer, "read", noted)
    read(engine, paragraph)
    before = len(widths)
    struck = paragraph.copy()
    ImageDraw.Draw(struck).line([(280, 68), (330, 68)], fill="black", width=3)
    answer = read(engine, struck)
    assert answer.text.splitlines() == LINES
    *_, longest = sorted(widths[:before])
    first, second = sorted(widths[before:], reverse=True)[:3], min(widths[before:])
    assert len(widths) == 2 * before + 1
    assert min(first) > 0.8 * longest
    assert second < 0.5 * longest


TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
LINES = [
    "The committee met on Tuesday and agreed",
    "that each department reports its costs",
    "before the end of March of every year.",
]


@pytest.fixture(scope="module")
def paragraph() -> Image.Image:
    return page([[(30, line)] for line in LINES], (740, 740), 48, 24)


def test_a_page_is_read_whichever_way_it_is_turned(engine, paragraph, paragraph_read):
    answers = [
        paragraph_read,
        *(read(engine, paragraph.transpose(turn)) for turn in TURNS),
    ]
    assert [one.text.splitlines() for one in answers] == [LINES] * 4
    quarter = answers[3]
    first, *_, last = quarter.places
    assert first.left > last.right - 20, "the first line is at the right"
    assert first.bottom - first.top > 5 * (first.right - first.left)


def test_a_page_that_lies_and_seems_to_stand_is_read(engine, paragraph):
    barred = paragraph.copy()
    pen = ImageDraw.Draw(barred)
    for left in range(40, 700, 60):
        pen.rectangle((left, 300, left + 12, 700), fill="black")
    assert seems_standing([np.asarray(barred)])
    assert read(engine, barred).text.splitlines()[:3] == LINES


@pytest.mark.parametrize("turn", TURNS[::2])
def test_a_table_of_short_cells_is_read_whole_whichever_way_it_is_turned(engine, turn):
    rows = [
        *(("Item", "Qty", "Price"), ("Brass lantern", "12", "18.50"), ("Hemp rope", "3", "44.00")),
        *(("Lamp oil", "40", "2.75"), ("Bell, cast", "1", "310.00")),
    ]
    cells = [list(zip((60, 500, 800), row, strict=True)) for row in rows]
    answer = read(engine, page(cells, (1000, 330), 52, 24).transpose(turn))
    assert answer.text.splitlines() == [" ".join(row) for row in rows]


def chart(title: str, label: str, size: int) -> Image.Image:
    """Bars with a label that stands at the left, numbers beside lines and above bars, and months below."""
    image = page([[(250, title)]], (800, 520), 45, 24)
    pen, beside = ImageDraw.Draw(image), Image.new("RGB", (24 * len(label) // 2 + 20, 34), "white")
    ImageDraw.Draw(beside).text((4, 2), label, fill="black", font_size=size)
    image.paste(beside.transpose(Image.Transpose.ROTATE_90), (14, 260 - beside.width // 2))
    for place, (month, number) in enumerate(zip(["Jan", "Feb", "Mar", "Apr", "May"], BARS, strict=True)):
        pen.text((70, 70 + place * 90), str(40 - 10 * place), fill="black", font_size=size)
        pen.line((110, 84 + place * 90, 780, 84 + place * 90), fill="#bbb")
        left, top = 140 + place * 125, 444 - number * 9
        pen.rectangle((left, top, left + 70, 444), fill="#3366cc")
        pen.text((left + 10, 470), month, fill="black", font_size=size)
        pen.text((left + 15, top - 34), str(number), fill="black", font_size=size)
    return image


BARS = (12, 15, 33, 25, 34)


@pytest.mark.parametrize(
    ("title", "label", "size"),
    [("Ships in the harbour", "Ships per month", 24), ("", "Number of ships per month", 18)],
)
def test_a_label_that_stands_does_not_turn_the_page(engine, title, label, size):
    answer = read(engine, chart(title, label, size))
    lines = answer.text.splitlines()
    assert "Jan Feb Mar Apr May" in lines
    assert label in lines
    assert {title, *map(str, BARS)} - {""} <= {*lines, *answer.text.split()}
    assert (answer.usage.confidence or 0.0) > 0.8


def test_a_page_that_is_askew_is_read(engine, paragraph):
    askew = paragraph.rotate(2.5, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert read(engine, askew).text.splitlines() == LINES


def test_light_letters_on_a_dark_page_are_read(engine, paragraph):
    assert read(engine, ImageOps.invert(paragraph)).text.splitlines() == LINES


def test_a_faded_page_is_read(engine, paragraph):
    assert read(engine, paragraph.point(lambda grey: 150 + grey // 5)).text.splitlines() == LINES


def test_a_line_longer_than_can_be_read_at_once_is_read_whole(engine):
    line = " ".join(LINES * 2)
    answer = read(engine, page([[(30, line)]], (2900, 120), 48, 24))
    assert answer.text == line


def test_columns_are_read_one_after_the_other(engine):
    left = ["The harbour was quiet when", "the first boats came in, and", "nobody stood on the wall."]
    right = ["Prices of fish had fallen", "since the summer, so most of", "them went out again at noon."]
    lines = [[(20, one), (420, other)] for one, other in zip(left, right, strict=True)]
    assert read(engine, page(lines, (800, 740), 40, 24)).text.splitlines() == [*left, *right]


def test_chinese_is_read_without_spaces(engine):
    with Image.open(EXAMPLES / "documents" / "notice.png") as image:
        assert read(engine, image.convert("RGB")).text.splitlines() == [
            *("通知", "本周六上午九点", "图书馆停电检修", "请提前归还图书"),
            *("咨询电话：88001234", "市图书馆", "2026年5月18日"),
        ]


def test_the_example_in_two_columns_is_read_as_people_read_it(engine):
    with Image.open(EXAMPLES / "documents" / "two-columns.png") as image:
        read_words = " ".join(read(engine, image.convert("RGB")).text.splitlines())
    *left, fourth, fifth = (EXAMPLES / "drawing" / "newsletter.txt").read_text("utf-8").splitlines()[:5]
    assert read_words == " ".join(
        [
            *("The ferry sails again", "News from the old harbour, spring 2026", *left),
            *("Figure 1: The ferry on its first day", fourth, fifth),
            *("Harbour Island", "07:00 07:40", "12:00 12:40", "17:00 17:40"),
        ]
    )


def test_each_line_says_where_it_stands_in_the_image_as_it_was_given(engine):
    image = page([[(40, "COFFEE"), (300, "3.50")], [(40, "CAKE")]], (800, 800), 90, 40)
    for given in (image, image.resize((3200, 3200), Image.Resampling.LANCZOS)):
        times = given.width / image.width
        first, second = (place._replace(confidence=1.0) for place in read(engine, given).places)
        for place, wanted in ((first, (40, 14, 385, 48)), (second, (40, 104, 148, 138))):
            assert place[:4] == pytest.approx([edge * times for edge in wanted], abs=20 * times)


def test_one_unsure_line_of_many_lowers_the_confidence(engine, paragraph, paragraph_read):
    spoilt = paragraph.copy()
    pen = ImageDraw.Draw(spoilt)
    for x in range(30, 520, 13):
        pen.line((x, 106, x + 5, 138), fill="black", width=2)
    sure, unsure = (one.usage.confidence or 0.0 for one in (paragraph_read, read(engine, spoilt)))
    assert sure > 0.95
    assert 0.0 < unsure < 0.9


def test_a_short_word_that_is_seen_and_cannot_be_read_lowers_the_confidence(engine):
    spoilt = page([[(30, LINES[0])]], (740, 300), 48, 24)
    noise = (np.random.default_rng(2).random((6, 8)) * 255).astype(np.uint8)
    spoilt.paste(Image.fromarray(noise).resize((32, 24)).convert("RGB"), (300, 150))
    answer = read(engine, spoilt)
    assert answer.text == LINES[0]
    assert 0.0 <= (answer.usage.confidence or 0.0) < 0.5


def test_an_image_without_text_says_so(engine):
    answer = read(engine, Image.new("RGB", (120, 80), "white"))
    assert (answer.text, answer.usage.lines, answer.usage.confidence) == (NO_TEXT, 0, None)


def test_a_line_that_is_seen_and_cannot_be_read_is_not_taken_for_nothing(engine):
    spoilt = page([[(30, LINES[0])]], (740, 740), 48, 24)
    pen = ImageDraw.Draw(spoilt)
    for x in range(30, 520, 10):
        pen.line((x, 10, x + 5, 42), fill="black", width=2)
    answer = read(engine, spoilt)
    assert answer.text == NO_TEXT
    assert answer.usage.confidence == pytest.approx(0, abs=0.5)


def test_what_it_reads_is_whole_however_few_tokens_are_asked_for(engine):
    image = page([[(20, "COFFEE"), (250, "3.50")]], (740, 740), 45, 28)
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
