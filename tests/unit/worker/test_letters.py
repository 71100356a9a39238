"""What was read of a line: its words that are not clear, and its parts put together."""

import pytest

from worker.engines.reading.letters import Letter, Reading, together


def reading(text: str, unclear: str = "") -> Reading:
    """Letters ten pixels apart; those of `unclear` are unsure, `_` is an unsure space."""
    return Reading(
        tuple(
            Letter(letter.replace("_", " "), 0.5 if letter in f"{unclear}_" else 0.9, 10.0 * place)
            for place, letter in enumerate(text)
        )
    )


@pytest.mark.parametrize(
    ("text", "unclear", "words"),
    [
        ("a word is not clear", "", []),
        ("a word is n?t clear", "?", ["n?t"]),
        ("a w?rd is not cl?ar", "?", ["w?rd", "cl?ar"]),
        ("a w?rd ?s not clear", "?", ["w?rd ?s"]),
        ("?", "?", ["?"]),
        ("", "", []),
        # A space that may be none, or two words that may be one.
        ("a word is not_clear", "", ["not clear"]),
        ("tw?  spaces", "?", ["tw?"]),
        ("沒有空格?的行", "?", ["沒有空格?的行"]),
    ],
)
def test_words_are_read_again_that_have_a_letter_or_a_space_beside_them_that_is_not_clear(
    text, unclear, words
):
    made = reading(text, unclear)
    found = made.unclear(0.75)
    assert [Reading(made.letters[begin:end]).text for begin, end in found] == words


def test_how_sure_a_reading_is_is_that_of_its_letters_on_average():
    assert reading("ab?c", "?").confidence == pytest.approx((3 * 0.9 + 0.5) / 4)
    assert Reading().confidence == 0.0


def test_parts_of_a_strip_have_a_space_between_them_but_not_beside_a_chinese_letter():
    parts = [reading("one"), Reading(), reading("two").moved(100), reading("三").moved(200)]
    whole = together(parts)
    assert whole.text == "one two三"
    places = [letter.place for letter in whole.letters]
    assert places == sorted(places)
    assert together([]) == Reading()
