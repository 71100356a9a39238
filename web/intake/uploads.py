"""Files into the blob store: hashed, inspected, and streamed; a large one is never whole in memory."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from jobs.formats.images import check_bytes
from jobs.formats.pdf.apart import count_pages
from web.intake.headers import inspect
from web.intake.spool import Part
from web.services import Services

#: Up to this size a file is read at once where it is needed: its bytes are looked at and sent faster so.
_SMALL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Image:
    """A file that is an image, as far as its header says."""

    part: Part
    sha256: str
    media_type: str
    #: How many pages it has; None where its format has none.
    pages: int | None


def checked_image(services: Services, part: Part, dpi: int | None, spend: Callable[[float], None]) -> Image:
    """Look at a file, whose pages are drawn at `dpi` if it is a PDF.

    `spend` is told the seconds of CPU that a process of its own has taken for it. Raises ImageRejected and
    TooLarge when it is no image that can be answered.
    """
    limits = services.limits

    def count_pdf(file: IO[bytes]) -> int:
        with services.pdfs:
            return count_pages(file, limits, dpi or limits.pdf_dpi, spend)

    check_bytes(part.size_bytes, limits)
    part.seek(0)
    reader = io.BufferedReader(part)
    try:
        found = inspect(reader, limits, count_pdf)
    finally:
        # What is let go without this would close the part.
        reader.detach()
    return Image(part, part.sha256, found.media_type, found.pages)


@contextmanager
def kept_images(services: Services, images: Sequence[Image]) -> Iterator[None]:
    """Put images into the blob store, where they stay at least until the `with` is left.

    In it their jobs are to be made: an image without one may be deleted. Raises Unavailable when the blob
    store is away.
    """
    if not images:
        yield
        return
    by_hash = {image.sha256: image for image in images}
    with services.image_uses.using(*by_hash):
        for image in by_hash.values():
            services.blobs.put_image(image.sha256, _content(image.part))
        yield


def _content(part: Part) -> bytes | IO[bytes]:
    part.seek(0)
    return part.read(part.size_bytes) if part.size_bytes <= _SMALL_BYTES else cast(IO[bytes], part)
