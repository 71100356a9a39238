"""HEIF by a process of its own: a damaged file may end its reader, and must not end the worker."""

import importlib.util
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import IO

from PIL import Image

from jobs.formats.images import reader_missing, truncated_image
from worker.job.decode.strips import strips

#: Seconds for one picture; a large one takes a few.
_TIMEOUT_S = 60
#: Bytes of a pixel in each mode that the reader may hand over.
_BYTES = {"L": 1, "I;16": 2, "RGB": 3, "RGBA": 4}
#: Bytes of the line before the pixels, at most; and of what is read of the reader's complaints.
_LINE_BYTES, _SAID_BYTES = 64, 4096


@dataclass(frozen=True)
class Picture:
    """The first picture of a HEIF, upright."""

    image: Image.Image
    are_several: bool


def first_picture(data: bytes, size: tuple[int, int]) -> Picture:
    """The picture, which has to have that size.

    Raises ImageRejected (`truncated_image`; `unsupported_format` without the package that reads it).
    """
    if importlib.util.find_spec("pi_heif") is None:
        raise reader_missing("HEIF")
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as said:
        file.write(data)
        file.seek(0)
        command = [sys.executable, "-m", "worker.job.decode.heif_reader", *map(str, size)]
        with subprocess.Popen(  # noqa: S603 (our own module, no shell)
            command, stdin=file, stdout=subprocess.PIPE, stderr=said
        ) as reader:
            killer = threading.Timer(_TIMEOUT_S, reader.kill)
            killer.start()
            try:
                assert reader.stdout is not None
                picture = _picture(reader.stdout, size)
            finally:
                # When its pixels are here, nothing else is wanted of it.
                killer.cancel()
                reader.kill()
                reader.wait()
        if picture is None:
            raise truncated_image(_reason(reader.returncode, said))
        return picture


def _picture(pixels: IO[bytes], size: tuple[int, int]) -> Picture | None:
    """What the reader hands over; None where that is not all."""
    words = pixels.readline(_LINE_BYTES).decode("ascii", errors="replace").split()
    if len(words) != 4 or words[1:3] != [str(side) for side in size] or words[3] not in _BYTES:
        return None
    image = Image.new(words[3], size)
    for top, end in strips(size):
        strip = size[0] * (end - top) * _BYTES[words[3]]
        data = pixels.read(strip)
        if len(data) < strip:
            return None
        image.paste(Image.frombytes(words[3], (size[0], end - top), data), (0, top))
    return Picture(image, words[0] != "1")


def _reason(code: int, said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read(_SAID_BYTES).decode(errors="replace").strip().splitlines()
    return lines[-1] if code == 1 and lines else "its reader broke on it, or was too slow"
