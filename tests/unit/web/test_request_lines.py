"""Files of requests, told line from line and read."""

import pytest

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from web.openai.bulk.lines import Line, custom_id_in, lines_in, request_in, said_in

ENDPOINT = "/v1/chat/completions"
GOOD = {"custom_id": "a", "method": "POST", "url": ENDPOINT, "body": {}}


def lines(content: bytes, piece: int = 1000, most_bytes: int = 100) -> list[tuple[int, bytes | None]]:
    def read(place: int) -> bytes:
        return content[place : place + piece]

    found = [*lines_in(read, most_bytes)]
    for place, line in enumerate(found, 1):
        # Behind each of them it can be gone on.
        assert [*lines_in(read, most_bytes, line.end, line.number + 1)] == found[place:]
    return [(line.number, line.text) for line in found]


@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
def test_lines_are_the_same_however_their_bytes_come(piece):
    assert lines(b"\xef\xbb\xbfone\r\n\n  \ntwo", piece) == [(1, b"one\r"), (4, b"two")]
    assert lines(b"one\ntwo\n", piece) == [(1, b"one"), (2, b"two")]
    assert lines(b"", piece) == []


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_line_that_is_too_long_is_told_as_one_and_hides_no_other(piece):
    content = b"a\n" + b"x" * 101 + b"\n" + b"y" * 100 + b"\nb"
    assert lines(content, piece) == [(1, b"a"), (2, None), (3, b"y" * 100), (4, b"b")]


@pytest.mark.parametrize(
    "text", [None, b"{", b"[]", b'"a"', b"\xff", b'{"a": NaN}', b"[" * 5000, b'{"a": "\\ud800"}']
)
def test_a_line_that_is_no_object_is_refused(text):
    with pytest.raises(BadInput):
        said_in(Line(3, text, 0), Limits())


def test_a_request_is_read():
    assert request_in(GOOD, ENDPOINT).custom_id == "a"
    assert custom_id_in(GOOD) == "a"
    assert custom_id_in({"custom_id": 7}) == ""


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"custom_id": 7}, "custom_id"),
        ({"custom_id": " "}, "custom_id"),
        ({"method": "GET"}, "method"),
        ({"url": "/v1/embeddings"}, "url"),
        ({"body": []}, "body"),
        ({"priority": 1}, "priority"),
    ],
)
def test_what_a_line_says_otherwise_is_refused_by_its_name(said, field):
    with pytest.raises(BadInput) as error:
        request_in(GOOD | said, ENDPOINT)
    assert f"`{field}`" in error.value.message
