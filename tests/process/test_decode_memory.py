"""What decoding takes of a process's memory, and that it comes back."""

import pytest

from scripts.decode_memory import measured

#: Pixels of a side: so many that the library's own few megabytes do not count.
SIDE = 4000


@pytest.mark.skipif("sys.platform != 'linux'")
@pytest.mark.parametrize("kind", ["RGBA, PNG", "P with transparency, PNG", "F, TIFF", "CMYK, JPEG"])
def test_a_large_picture_takes_at_most_8_bytes_a_pixel_and_gives_them_back(kind):
    at_most, left, _ = measured(kind, SIDE, 1_000_000)
    assert at_most <= 8
    assert left <= 1.2
