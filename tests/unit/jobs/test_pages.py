"""Which images of a file are its pages."""

import struct
from io import BytesIO

import pytest

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from jobs.formats.pages import beginning_with, pages_of
from tests.files import hostile, tiffs
from tests.files.tiffs import MASK, ONE_OF_SEVERAL, REDUCED, Directory, page, written

LAYOUTS = [{"order": order, "is_big": is_big} for order in "<>" for is_big in (False, True)]
PLAIN = [Directory(page(number)) for number in (1, 2, 3)]


def widths(data, **limits):
    return [one.width for one in pages_of(BytesIO(data), Limits(**limits))]


def refusal(data, **limits):
    with pytest.raises(Eva01Error) as refused:
        pages_of(BytesIO(data), Limits(**limits))
    return refused.value


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pages_are_found_whichever_way_numbers_are_written(layout):
    data = written(PLAIN, **layout)
    assert widths(data) == [101, 102, 103]
    assert [widths(beginning_with(data, one)) for one in pages_of(BytesIO(data), Limits())] == [
        [101, 102, 103],
        [102, 103],
        [103],
    ]


def test_a_fax_has_as_many_pages_as_were_sent():
    assert widths(tiffs.fax(5)) == [101, 102, 103, 104, 105]


@pytest.mark.parametrize("data", [hostile.encoded(), hostile.encoded(image_format="GIF"), b"", b"II"])
def test_other_files_have_no_pages(data):
    assert pages_of(BytesIO(data), Limits()) == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_smaller_versions_and_masks_are_no_pages(layout):
    pyramid = [
        Directory(page(9), kind=REDUCED),
        Directory(page(1), kind=0),
        Directory(page(10), kind=REDUCED),
        Directory(page(11), kind=MASK),
        Directory(page(12), kind=MASK | REDUCED),
        Directory(page(13), old_kind=2),
        Directory(page(2), kind=ONE_OF_SEVERAL),
        Directory(page(3), old_kind=3),
    ]
    assert widths(written(pyramid, **layout)) == [101, 102, 103]


def test_the_newer_of_two_words_for_a_kind_counts():
    assert widths(written([Directory(page(1), kind=0, old_kind=2), Directory(page(2))])) == [101, 102]


@pytest.mark.parametrize(
    ("kinds", "pages"),
    [([REDUCED], [101]), ([REDUCED, REDUCED], [101, 102]), ([MASK, REDUCED], [102]), ([MASK, MASK], [101])],
)
def test_there_is_always_a_page(kinds, pages):
    images = [Directory(page(number), kind=kind) for number, kind in enumerate(kinds, 1)]
    assert widths(written(images)) == pages


def test_a_chain_that_goes_round_ends_where_it_began():
    assert widths(written(PLAIN, last=-1)) == [101, 102, 103]
    (first, *_) = pages_of(BytesIO(written(PLAIN[:1])), Limits())
    assert widths(written(PLAIN[:1], last=first.offset)) == [101]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_directory_that_is_not_all_there_is_refused_and_not_passed_over(layout):
    data = written(PLAIN, **layout)
    offsets = [one.offset for one in pages_of(BytesIO(data), Limits())]
    for cut in (len(data) - 1, offsets[2] + 20, offsets[2] + 1, offsets[2] - 1, offsets[1] + 3):
        assert refusal(data[:cut]).code == "truncated_image", cut
    for last in (len(data), len(data) + 1000, 2**31, 4):
        assert refusal(written(PLAIN, last=last, **layout)).code == "truncated_image", last
    if layout["is_big"]:
        assert refusal(written(PLAIN, last=2**64 - 1, **layout)).code == "truncated_image"


def test_a_page_without_a_size_is_refused():
    assert "page 2 has no size" in refusal(written([PLAIN[0], Directory(page(2), tags={256: 0})])).message


def test_a_size_that_does_not_fit_where_it_is_written_is_none():
    data = written(PLAIN[:1])
    long8 = data.replace(struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 16, 1))
    assert "page 1 has no size" in refusal(long8).message


def test_a_size_may_be_written_with_a_sign_but_not_be_negative():
    def signed(width: int) -> bytes:
        as_long, as_signed = struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 9, 1)
        return written([Directory(page(1), tags={256: width % 2**32})]).replace(as_long, as_signed)

    assert widths(signed(101)) == [101]
    assert "page 1 has no size" in refusal(signed(-101)).message


def test_a_header_without_a_directory_is_refused():
    for data in (b"II*\0", b"II*\0\0\0\0\0", b"MM\0+\0\0\0"):
        assert refusal(data).code == "truncated_image"


def test_each_page_keeps_to_the_limit_on_pixels():
    error = refusal(written([PLAIN[0], Directory(page(2), tags={256: 100_000, 257: 100_000})]))
    assert (error.code, error.message[:7]) == ("too_many_pixels", "Page 2:")


def test_too_many_pages_are_refused_with_the_limit():
    data = written([Directory(page(1, (4, 4)))] * 6)
    assert len(widths(data, max_pages=6)) == 6
    error = refusal(data, max_pages=5)
    assert error.code == "too_many_pages"
    assert "more than 5 pages (EVA01_MAX_PAGES)" in error.message


def test_the_directories_that_are_no_pages_are_limited_too():
    smaller = [Directory(page(2, (4, 4)), kind=REDUCED)] * 31
    assert len(widths(written([Directory(page(1)), *smaller]), max_pages=1)) == 1
    assert refusal(written([Directory(page(1)), *smaller, *smaller]), max_pages=1).code == "too_many_pages"


def test_a_directory_of_absurdly_many_tags_is_refused():
    tags = {30_000 + number: 1 for number in range(1000)}
    assert refusal(written([Directory(page(1), tags=tags)])).code == "truncated_image"
