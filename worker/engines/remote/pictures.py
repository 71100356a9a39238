"""Images as they are sent: the file as it came, or its pixels as PNG."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from math import sqrt

from PIL import Image

from worker.engines.proportions import scale_for, scaled

#: What files begin with.
_BEGINNINGS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif"}
#: zlib's fastest: the next one takes twice as long for a tenth less.
_COMPRESSION = 1


@dataclass(frozen=True)
class Picture:
    """An image in a request."""

    media_type: str
    data: bytes

    @property
    def url(self) -> str:
        """It as a data URL."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"


def as_it_came(file: bytes) -> Picture | None:
    """A file of a format that all servers read; None for any other."""
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return Picture("image/webp", file)
    found = [media_type for beginning, media_type in _BEGINNINGS.items() if file.startswith(beginning)]
    return Picture(found[0], file) if found else None


def drawn(image: Image.Image, most_pixels: int) -> Picture:
    """Pixels as PNG, scaled down to at most so many; raises TooLarge (`image_too_thin`)."""
    scale = scale_for(image.size, sqrt(most_pixels / (image.width * image.height)))
    file = BytesIO()
    scaled(image, scale, Image.Resampling.BICUBIC).save(file, "PNG", compress_level=_COMPRESSION)
    return Picture("image/png", file.getvalue())
