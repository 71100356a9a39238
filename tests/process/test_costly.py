"""Requests that are made to cost web much, at a part of their size: what a real one needs of memory."""

import pytest

from scripts.fuzzing.costing import cost
from scripts.fuzzing.costly import KINDS

pytestmark = pytest.mark.process
#: Of the full size of each kind; and what may be needed at that.
SHARE, MOST_BYTES = 0.1, 150_000_000
#: What those are refused for that are refused in one way.
REFUSED = {
    "JPEG, ten million segments": {"truncated_image"},
    "GIF, a comment in 20 million blocks": {"truncated_image"},
    "HEIC, 5 million properties": {"truncated_image"},
    "TIFF, 4,000 directories of 1,000 tags": {"too_many_pages"},
    "zip of 200 MB in 180 bytes of bzip2": {"bad_zip_entry"},
    "zip of one content, 4,000 times": {"bad_zip_entry", "unsupported_format"},
    "zip of 400,000 heads": {"too_many_entries"},
    "zip of extra fields": {"bad_zip"},
    "parts with 12,000 lines": {"malformed_form"},
    "parts with 15,000 parameters": {"malformed_form"},
    "a million questions": {"invalid_field"},
    "two million known files that are nothing": {"malformed_body"},
    "760 names of 60,000 odd bytes": {"malformed_form"},
    "four million fields of a plain form": {"request_too_large"},
}


@pytest.mark.parametrize("name", KINDS)
def test_it_takes_little_memory_and_each_file_has_a_row(servers, name):
    took = cost(servers, name, SHARE)
    assert took.taken.memory_bytes < MOST_BYTES
    assert took.status < 500
    assert took.rows[0] == took.rows[1]
    assert {*took.outcomes} == REFUSED.get(name, {*took.outcomes})
