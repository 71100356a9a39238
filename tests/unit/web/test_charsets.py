"""Text of which nobody said how it is written is read as it was most likely meant, and stays its own."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.intake.names.charsets import decoded, readable


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("照片.png", "utf-8"),
        ("照片.png", "gbk"),
        ("中文图片（1）.jpg", "gbk"),
        ("屏幕截图 2024-01-01.png", "gb18030"),
        ("テスト.png", "cp932"),
        ("写真_夏休み.jpg", "cp932"),
        ("lät.png", "latin-1"),
        ("Größe.png", "latin-1"),
        ("été à Genève.png", "cp1252"),
        ("5 €.png", "cp1252"),
        ("plain.png", "ascii"),
        # The same bytes are a cat in GBK.
        ("è.png", "utf-8"),
    ],
)
def test_a_name_is_read_as_it_was_meant(text, charset):
    assert readable(text.encode(charset)) == text


def test_a_byte_that_no_charset_has_is_shown_as_a_number():
    assert readable(b"a\x81 \x8f.png") == "a%81 %8F.png"


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_they_become_text(data):
    assert bool(readable(data).encode()) == bool(data)


@given(
    st.binary(max_size=60), st.sampled_from(["gbk", "big5", "utf-16", "utf-7", "unicode_escape", "hex", "x"])
)
def test_a_charset_gives_text_or_is_refused(data, charset):
    with contextlib.suppress(ValueError):
        assert decoded(data, charset).encode() is not None


def test_a_charset_that_is_given_is_used():
    assert decoded("照片".encode("big5"), "Big5") == "照片"
    for charset in ("hex", "unicode_escape", "utf-7", "nonsense", "", "a\0b"):
        with pytest.raises(ValueError, match="char"):
            decoded(b"+2AA-", charset)
