"""Where lines stand: packed into one short text, and shown with the answer's lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.saying.lines import Place, described, packed, unpacked

EDGES = st.integers(0, 99_999)
PLACES = st.lists(
    st.builds(
        Place, EDGES, EDGES, EDGES, EDGES, st.integers(0, 100).map(lambda c: c / 100), st.integers(1, 30)
    ),
    min_size=1,
).map(lambda places: sorted(places, key=lambda place: place.page))


@given(places=PLACES)
def test_places_are_the_same_when_they_are_unpacked(places):
    text = packed(places)
    assert text is not None
    assert unpacked(text) == places


def test_a_line_takes_at_most_25_bytes_on_a_large_page():
    text = packed([Place(1240, 84 + 40 * n, 3106, 112 + 40 * n, 0.98) for n in range(100)])
    assert text is not None
    assert len(text) <= 25 * 100


def test_each_line_of_an_answer_has_its_box_and_confidence():
    text = packed([Place(10, 12, 180, 40, 0.984), Place(10, 52, 170, 80, 1.0)])
    assert described("COFFEE 3.50\nCAKE 4.00", text) == [
        {"text": "COFFEE 3.50", "box": [10, 12, 180, 40], "confidence": 0.98},
        {"text": "CAKE 4.00", "box": [10, 52, 170, 80], "confidence": 1.0},
    ]


def test_the_lines_of_several_pages_say_their_page_and_the_room_between_them_is_none():
    text = packed([Place(1, 2, 3, 4, 0.9), Place(5, 6, 7, 8, 0.8, page=3)])
    lines = described("one\n\nthree", text)
    assert lines is not None
    assert [(line["text"], line["page"]) for line in lines] == [("one", 1), ("three", 3)]


@pytest.mark.parametrize(("answer", "text"), [(None, None), ("a", None), (None, "1 2 3 4 99"), ("a", "")])
def test_without_an_answer_or_places_there_are_no_lines(answer, text):
    assert described(answer, text) is None


def test_places_that_are_not_those_of_the_answers_lines_are_not_shown():
    assert described("a\nb", "1 2 3 4 99") is None


def test_no_lines_take_no_room():
    assert packed([]) is None
