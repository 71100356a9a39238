"""One answer for all pages of a file, and what is kept of them."""

import pytest

from jobs.contract.errors import Eva01Error
from jobs.contract.models import FinishReason, Job, Look, Note, Usage
from jobs.contract.saying.lines import Place
from jobs.contract.settings import Limits
from tests.files import tiffs
from tests.files.tiffs import REDUCED, Directory, page, written
from worker.engines.base import Answer
from worker.job.decode.decoder import Decoded, Decoder
from worker.job.pages import Looked, joined


@pytest.fixture(scope="module")
def decoder():
    return Decoder(Limits(), enough_pixels=1_000_000)


def read(text, lines, confidence=None, reason=FinishReason.STOP, **usage):
    return Answer(text, Usage(lines=lines, confidence=confidence, **usage), reason)


def test_each_page_is_decoded_by_itself(decoder):
    data = written([Directory(page(number)) for number in (1, 2, 3)])
    for number in (1, 2, 3):
        found = decoder.decode(data, number)
        assert (found.width, found.pages) == (100 + number, 3)
        assert found.image.tobytes() == page(number).convert("RGB").tobytes()


def test_each_page_of_a_fax_is_decoded_by_itself(decoder):
    data = tiffs.fax(4)
    for number in (1, 2, 3, 4):
        assert (
            decoder.decode(data, number).image.tobytes() == page(number).convert("1").convert("RGB").tobytes()
        )


def test_a_small_version_in_front_is_not_taken_for_the_page(decoder):
    found = decoder.decode(written([Directory(page(9), kind=REDUCED), Directory(page(1), kind=0)]))
    assert (found.width, found.pages) == (101, 1)


def test_a_page_that_there_is_not_is_refused(decoder):
    for data, last in ((tiffs.fax(2), 2), (written([Directory(page(1))]), 1)):
        with pytest.raises(Eva01Error, match=f"no page 3: it has {last}"):
            decoder.decode(data, 3)


def test_the_answer_about_one_page_stays_as_it_is():
    only = read("a", 1, 0.5)
    assert joined([only]) is only


def test_texts_are_set_apart_by_an_empty_line_and_their_usage_is_added_up():
    whole = joined(
        [read("a\nb", 2, 0.8, visual_tokens=1), read("c", 1, 0.5, visual_tokens=2, output_tokens=3)]
    )
    assert whole.text == "a\nb\n\nc"
    assert whole.usage == Usage(visual_tokens=3, output_tokens=3, lines=3, confidence=0.5, pages=2)
    assert whole.finish_reason is FinishReason.STOP


def test_a_page_without_text_says_nothing_unless_all_are_so():
    empty = read("(no text found)", 0)
    assert joined([empty, read("a", 1, 0.5), empty]).text == "a"
    assert joined([empty, read("a", 1, 0.5), empty]).usage == Usage(lines=1, confidence=0.5, pages=3)
    assert joined([empty, empty]).text == "(no text found)"
    assert joined([empty, empty]).usage == Usage(lines=0, pages=2)


def test_an_engine_that_counts_no_lines_has_none_in_the_end():
    answers = [Answer("a", Usage(output_tokens=1)), Answer("b", Usage(output_tokens=2))]
    assert joined(answers).usage == Usage(output_tokens=3, pages=2)


def test_places_come_page_after_page():
    places = [Place(0, 0, 1, 1, 1.0), Place(0, 2, 1, 3, 1.0), Place(0, 0, 1, 1, 1.0, page=2)]
    answers = [
        Answer("a\nb", Usage(lines=2), places=tuple(places[:2])),
        Answer("c", Usage(lines=1), places=(places[2],)),
    ]
    assert joined(answers).places == tuple(places)


def test_one_page_that_is_cut_short_makes_the_whole_so():
    assert (
        joined([read("a", 1), read("b", 1, reason=FinishReason.LENGTH)]).finish_reason is FinishReason.LENGTH
    )


def test_what_is_known_of_an_image_is_the_first_pages_size_and_all_pages_notes():
    looked = Looked(Job(file="a.tif", question="", model="ocr", images=("0" * 64,), pages=2))
    assert looked.placed("why") == "Page 1 of 2: why"
    image = page(1).convert("RGB")
    looked.see(Decoded(image, 10, 20, (Note.IMAGE_INCOMPLETE,), pages=2))
    looked.page = 2
    looked.see(Decoded(image, 30, 40, (Note.IMAGE_INCOMPLETE, Note.FIRST_FRAME), pages=2))
    assert looked.facts == {"width": 10, "height": 20, "notes": (Note.IMAGE_INCOMPLETE, Note.FIRST_FRAME)}
    assert looked.placed("why") == "Page 2 of 2: why"


def test_of_several_images_each_ones_size_and_notes_are_known_and_errors_name_it():
    files = ("front.jpg", "back, left.tif", "top.png")
    looked = Looked(Job(file="views", question="", model="ocr", images=("0" * 64,) * 3, files=files))
    image = page(1).convert("RGB")
    looked.see(Decoded(image, 10, 20, (Note.IMAGE_INCOMPLETE,)))
    assert (looked.placed("why"), looked.number) == ("Image 1 of 3, front.jpg: why", 1)
    looked.turn_to(1)
    assert looked.placed("why") == "Image 2 of 3, back, left.tif: why", "before its pages are known"
    looked.see(Decoded(image, 30, 40, pages=2))
    looked.page = 2
    looked.see(Decoded(image, 50, 60, (Note.IMAGE_DAMAGED, Note.IMAGE_INCOMPLETE), pages=2))
    assert (looked.placed("why"), looked.number) == ("Image 2 of 3, back, left.tif, page 2 of 2: why", 3)
    looked.turn_to(2)
    assert looked.number == 4
    assert looked.facts == {
        "width": 10,
        "height": 20,
        "notes": (Note.IMAGE_INCOMPLETE, Note.IMAGE_DAMAGED),
        "looks": (
            Look(width=10, height=20, notes=(Note.IMAGE_INCOMPLETE,)),
            Look(width=30, height=40, notes=(Note.IMAGE_DAMAGED, Note.IMAGE_INCOMPLETE), pages=2),
        ),
    }
    looked.place = None
    assert looked.placed("why") == "why", "what is said of all of them is no single one's"
