"""The table and the picture of `scripts/bench`."""

from math import inf
from xml.etree import ElementTree

import pytest

from scripts.benching import page
from scripts.benching.found import Found, Measured
from scripts.benching.plot import draw

WORKS = {
    "W1": Measured("One", "Some images.", "2 cores", 3.2, [Found("a ÷ b", [0.8, 0.9, 0.86], "≥ 0.85")]),
    "W3.x": Measured("Other", "Not run.", "2 cores", 0, [Found("theirs", [], reason="not run: a | b")]),
}
ORDER = ["W1", "W3.x", "W9"]


def test_a_row_has_its_median_and_rounds_or_why_there_are_none_and_what_was_not_measured_is_said():
    text = page.table(WORKS, ORDER)
    assert "| W1 | a ÷ b | ≥ 0.85 | 0.86 | 0.80, 0.90, 0.86 |" in text
    assert "| W3.x | theirs |  |  | not run: a / b |" in text
    assert text.endswith("Not measured yet: W9.")


def test_what_is_kept_is_read_again(tmp_path):
    page.write(tmp_path / "kept.json", WORKS)
    assert page.read(tmp_path / "kept.json") == WORKS
    assert page.read(tmp_path / "none.json") == {}


def test_a_page_keeps_what_was_measured_of_other_works_before(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "benchmarks.md").write_text("before\n<!-- bench: begin -->\n<!-- bench: end -->\nafter\n")
    for name in ORDER[:2]:
        page.publish({name: WORKS[name]}, ORDER, tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert [f"| {name} | " in text for name in ORDER] == [True, True, False]
    assert (tmp_path / "images" / "benchmarks.svg").read_text() == draw(WORKS, ORDER)
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")


@pytest.mark.parametrize(
    "wanted, values, times",
    [
        ("≥ 60,000", [30_000.0, 120_000.0], [0.5, 2.0]),
        ("≤ 50 (100 before)", [25.0, 100.0, -1.0], [2.0, 0.5, inf]),
    ],
)
def test_a_number_is_so_many_times_as_good_as_its_bar(wanted, values, times):
    assert Found("it", values, wanted).times_the_bar == times


def test_what_is_off_the_scale_stands_at_its_end():
    found = [Found("a", [-1.0], "≤ 1"), Found("b", [0.0], "≥ 1")]
    drawn = ElementTree.fromstring(draw({"W1": Measured("One", "", "", 1, found)}, ORDER))
    assert len({dot.attrib["cx"] for dot in drawn.findall(".//{*}circle")}) == 2


def test_the_picture_has_a_dot_for_each_round_of_what_has_a_bar():
    drawn = ElementTree.fromstring(draw(WORKS, ORDER))
    assert len(drawn.findall(".//{*}circle")) == 3
    assert [text.text for text in drawn.findall("./{*}text") if "W1" in (text.text or "")]
