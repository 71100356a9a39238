"""Where bodies end, however their bytes come."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.front.framing import BrokenBody, chunked, of_length

NEXT = b"GET / HTTP/1.1\r\n"


def taken(sent: list[bytes], frame) -> tuple[bytes, bytes]:
    """The body that is found in what comes piece by piece, and what is left behind it."""

    async def take() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader()
        feeding = asyncio.ensure_future(feed(reader))
        body = b"".join([piece async for piece in frame(reader)])
        await feeding
        return body, await reader.read()

    async def feed(reader: asyncio.StreamReader) -> None:
        for piece in sent:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    return asyncio.run(take())


def of(length: int):
    def frame(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        return of_length(reader, length)

    return frame


def split(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.lists(st.integers(0, 9999), max_size=9))
def test_chunks_are_joined_and_what_is_behind_them_is_left(chunks, places):
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-A: b\r\n\r\n"
    assert taken(split(framed + NEXT, places), chunked) == (b"".join(chunks), NEXT)


@given(st.binary(max_size=300), st.lists(st.integers(0, 9999), max_size=9))
def test_a_length_is_kept_to(body, places):
    assert taken(split(body + NEXT, places), of(len(body))) == (body, NEXT)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"5\r\nab",
        b"5\r\nabcde",
        b"5\r\nabcdef\r\n0\r\n\r\n",
        b"5\nabcde\r\n0\r\n\r\n",
        b" 5\r\nabcde\r\n0\r\n\r\n",
        b"-5\r\nabcde\r\n0\r\n\r\n",
        b"0x5\r\nabcde\r\n0\r\n\r\n",
        b"5_0\r\n" + b"a" * 80 + b"\r\n0\r\n\r\n",
        b"+5\r\nabcde\r\n0\r\n\r\n",
        "٥\r\nabcde\r\n0\r\n\r\n".encode(),
        b"1" * 17 + b"\r\n",
        b"5;" + b"x" * 5000 + b"\r\nabcde\r\n0\r\n\r\n",
        b"x" * 100_000,
        b"0\r\n",
        b"0\r\n" + b"X-A: b\r\n" * 101 + b"\r\n",
        b"1\r\na\r\n" * 12_000 + b"0\r\n\r\n",
    ],
)
def test_what_are_no_chunks_break_a_body(sent):
    with pytest.raises(BrokenBody):
        taken([sent], chunked)


def test_a_body_that_is_shorter_than_it_says_is_broken():
    with pytest.raises(BrokenBody, match="ends before"):
        taken([b"abc"], of(4))
