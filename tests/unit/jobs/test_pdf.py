"""What a PDF's pages are, told by a process that may die of them."""

from io import BytesIO

import pytest

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from jobs.formats.pdf import apart
from jobs.formats.pdf.apart import count_pages, drawn_page
from jobs.formats.unread import is_pdf
from tests.files import hostile, pdfs
from tests.files.pdfs import GREEN, RED, Page

#: A page of 14,173 points.
FIVE_METERS = (14173.2, 14173.2)
PLAIN = pdfs.document(Page(RED, "Hello\nworld"), Page(GREEN, "Two"), Page(sides=(100, 200)))


def pages(data: bytes, dpi: int = 150, **limits: object) -> int:
    return count_pages(BytesIO(data), Limits.model_validate(limits), dpi)


def page(data: bytes, number: int = 1, dpi: int = 72, most_pixels: int = 1_000_000, **limits: object):
    """Its size, its pixels as bytes and its text."""
    asked = (BytesIO(data), number, dpi, most_pixels, Limits.model_validate(limits))
    with drawn_page(*asked) as drawn:
        return (drawn.width, drawn.height), drawn.drawn, b"".join(drawn.pixels), drawn.text()


def refusal(look, *asked: object, **how: object) -> Eva01Error:
    with pytest.raises(Eva01Error) as refused:
        look(*asked, **how)
    return refused.value


def test_pages_are_counted():
    assert [pages(pdfs.document()), pages(PLAIN), pages(pdfs.many_pages(200))] == [1, 3, 200]


def test_a_page_is_drawn_at_the_resolution_that_is_asked_for():
    size, drawn, pixels, text = page(PLAIN)
    assert (size, drawn, text) == ((200, 100), (200, 100), "Hello\nworld")
    assert len(pixels) == 3 * 200 * 100
    assert pixels[:3] == b"\xff\0\0"
    assert pixels[-3:] == b"\xff\xff\xff"
    assert page(PLAIN, 1, 144)[0] == (400, 200)
    assert page(PLAIN, 3)[0] == (100, 200)


def test_a_page_is_drawn_no_larger_than_is_wanted():
    size, drawn, pixels, _ = page(PLAIN, 2, 600, most_pixels=20_000)
    assert (size, drawn) == ((1667, 834), (200, 100))
    assert pixels[:3] == b"\0\xff\0"


def test_a_page_that_lies_on_its_side_is_turned():
    turned = pdfs.document(Page(RED, more="/Rotate 90"))
    size, _, pixels, _ = page(turned)
    assert size == (100, 200)
    # What was on its left is above now.
    assert (pixels[:3], pixels[-3:]) == (b"\xff\0\0", b"\xff\xff\xff")


def test_a_password_is_a_reason_and_an_empty_one_is_none():
    for look in (pages, page):
        assert refusal(look, pdfs.encrypted(b"x")).code == "pdf_password"
    assert pages(pdfs.encrypted(b"")) == 1
    assert page(pdfs.encrypted(b""))[3] == "secret"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n" + bytes(range(256)) * 9,
        PLAIN[: len(PLAIN) // 2],
        pdfs.without_pages(),
        pdfs.going_round(),
        pdfs.missing_page(),
    ],
    ids=["junk", "cut", "no pages", "pages that go round", "a page that is missing"],
)
def test_damage_is_a_reason(data):
    assert refusal(pages, data).code == "truncated_image"


def test_a_page_that_is_missing_is_named():
    assert "page 2" in refusal(pages, pdfs.missing_page()).message
    assert page(pdfs.missing_page(), 1)[0] == (200, 100)
    assert refusal(page, pdfs.missing_page(), 2).code == "truncated_image"


def test_ten_thousand_pages_are_too_many():
    for look in (pages, page):
        error = refusal(look, pdfs.many_pages(10_000))
        assert error.code == "too_many_pages"
        assert "10,000" in error.message and "EVA01_MAX_PAGES" in error.message


def test_a_page_of_five_meters_is_refused_before_it_is_drawn_and_a_lower_dpi_helps():
    data = pdfs.document(Page(sides=FIVE_METERS))
    for look in (pages, page):
        error = refusal(look, data, dpi=150)
        assert error.code == "too_many_pixels"
        assert "At 150 dpi" in error.message and "lower dpi" in error.message
    assert pages(data, dpi=36) == 1
    assert page(data, dpi=36)[1] == (1000, 1000)


def test_one_page_that_is_too_large_does_not_refuse_the_others():
    data = pdfs.document(Page(sides=FIVE_METERS), Page())
    assert pages(data) == 2
    assert page(data, 2)[0] == (200, 100)
    assert refusal(page, data, 1, 150).code == "too_many_pixels"


def test_a_page_that_is_a_line_is_refused_by_its_side():
    data = pdfs.document(Page(sides=(14_000, 0.2)))
    assert refusal(pages, data, dpi=600, max_image_width=100_000).code == "image_too_long"
    assert page(data, dpi=36)[0] == (7000, 1)


def test_what_unpacks_to_gigabytes_ends_its_process_and_nothing_else():
    data = pdfs.bomb()
    assert len(data) < 10_000
    assert pages(data) == 1
    assert refusal(page, data).code == "pdf_too_costly"


def test_a_reader_that_does_nothing_is_ended_and_that_it_took_too_long_is_said(monkeypatch):
    monkeypatch.setattr(apart, "_START_S", 0)
    monkeypatch.setattr(apart, "_PATIENCE", 0)
    for look in (pages, page):
        error = refusal(look, PLAIN)
        assert (error.code, "more time" in error.message) == ("pdf_too_costly", True)


def test_a_reader_that_is_killed_is_a_reason_as_too_much_memory_is():
    """As the kernel does where a machine has none left."""
    asked = (BytesIO(PLAIN), 1, 600, 4_000_000, Limits())
    with pytest.raises(Eva01Error) as refused, drawn_page(*asked) as drawn:
        (reader,) = pdfs.readers()
        reader.kill()
        assert drawn.drawn[0] * drawn.drawn[1] * 3 > 1 << 20, "more than a pipe holds"
        b"".join(drawn.pixels)
    assert (refused.value.code, "more memory" in refused.value.message) == ("pdf_too_costly", True)


def test_looking_costs_the_one_who_asks():
    spent: list[float] = []
    count_pages(BytesIO(PLAIN), Limits(), 150, spent.append)
    with pytest.raises(Eva01Error):
        count_pages(BytesIO(pdfs.encrypted(b"x")), Limits(), 150, spent.append)
    assert len(spent) == 2 and all(spent)


def test_there_is_no_page_beyond_the_last():
    assert refusal(page, PLAIN, 4).code == "not_an_image"


def test_a_pdf_is_told_by_its_beginning():
    assert is_pdf(pdfs.document())
    assert is_pdf(b"\x1b%-12345X@PJL\r\n" + pdfs.document())
    assert not is_pdf(b"\0" * 1024 + pdfs.document())
    assert not is_pdf(b"\x89PNG\r\n\x1a\n%PDF-1.7")
    assert not is_pdf(b"RIFF1234WEBP%PDF-1.7")
    assert not is_pdf(hostile.encoded())
