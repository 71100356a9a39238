"""Sizes of a HEIF's or AVIF's boxes, as wide as they may be said, right and wrong."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from tests.files import hostile
from web.intake.headers import inspect

_WHOLE = hostile.encoded(image_format="AVIF")
_AT = _WHOLE.index(b"meta") - 4
_SIZE = int.from_bytes(_WHOLE[_AT : _AT + 4], "big")
#: The first box, and what is in the second, which describes the picture.
FIRST, META = _WHOLE[:_AT], _WHOLE[_AT + 8 : _AT + _SIZE]


def size_of(data: bytes) -> tuple[int, int]:
    found = inspect(io.BytesIO(data), Limits())
    return found.width, found.height


def long_box(kind: bytes, size: int) -> bytes:
    """The head of a box that says its size in 64 bits."""
    return struct.pack(">I4sQ", 1, kind, size)


def test_a_size_may_be_said_in_64_bits_or_be_that_of_all_that_is_left():
    assert size_of(FIRST + long_box(b"meta", 16 + len(META)) + META) == (8, 6)
    assert size_of(FIRST + long_box(b"free", 20) + b"1234" + long_box(b"meta", 16 + len(META)) + META) == (
        8,
        6,
    )
    assert size_of(FIRST + struct.pack(">I4s", 0, b"meta") + META) == (8, 6)


@pytest.mark.parametrize("kind", [b"meta", b"free"])
@pytest.mark.parametrize("size", [0, 1, 15, 2**48 + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_size_that_cannot_be_is_refused(kind, size):
    with pytest.raises(BadInput) as refused:
        size_of(FIRST + long_box(kind, size) + META)
    assert refused.value.code == "truncated_image"


@given(
    st.lists(st.tuples(st.sampled_from([b"meta", b"free"]), st.integers(0, 2**64 - 1)), max_size=4),
    st.binary(),
)
def test_whatever_boxes_say_there_is_a_size_or_a_reason(boxes, rest):
    try:
        size_of(FIRST + b"".join(long_box(kind, size) for kind, size in boxes) + rest + META)
    except BadInput as refused:
        assert refused.code == "truncated_image"
