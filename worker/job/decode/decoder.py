"""Bytes to an upright RGB image, or a reason why not.

    file ──► picture alone ──► header ──limits──► room ──► pixels, or what is there of them
         ──► some rows at a time: 8 bits, on paper, RGB, scaled down ──► upright

The limits are checked on the header, and there is room for what it says, before anything is unpacked.
No step makes a second whole picture but of the size that is wanted. Of an animation only the first frame is
ever read.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from math import sqrt

from PIL import Image, ImageFile

from jobs.contract.errors import Eva01Error, ImageRejected
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from jobs.formats.heif import size_of as heif_size
from jobs.formats.images import check_bytes, check_pixels, set_pillows_guard, truncated_image
from jobs.formats.pages import beginning_with, pages_of
from jobs.formats.unread import check_kind, is_heif, is_pdf
from worker.job.decode.frames import is_animated
from worker.job.decode.heif import first_picture
from worker.job.decode.heif_end import is_unfilled
from worker.job.decode.memory import HEIF_BYTES, WORTH_GIVING_BACK_BYTES, give_back, needed_for
from worker.job.decode.pdf import BYTES as PDF_BYTES
from worker.job.decode.pdf import page_of
from worker.job.decode.picture import Plain
from worker.job.decode.plain import plain
from worker.job.decode.reading import Pixels, opened, pixels_of, read, too_many_pixels
from worker.job.decode.room import CheckWanted, Room
from worker.job.decode.strips import Rows, scaled
from worker.job.decode.tones.paper import on_paper
from worker.job.decode.upright import orientation_in, upright

#: An image is scaled down early only to this many times the pixels that the model wants, so that its
#: own, better scaling still has something to average.
_MARGIN = 4
#: The same for a JPEG's reader, which leaves out fine waves where half of the sides, or less, are enough:
#: what is scaled from that is nearer to one scaling of all pixels than what is scaled from means (0132).
_JPEG_MARGIN = 1.6
#: What all servers of models read, by Pillow's names.
_READ_EVERYWHERE = ("JPEG", "MPO", "PNG", "WEBP", "GIF")


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image, scaled down if it was huge, and the size it came in."""

    image: Image.Image
    #: Pixels of the upright original.
    width: int
    height: int
    #: What a reader of an answer has to know of the image.
    notes: tuple[Note, ...] = ()
    #: How many pages its file has; 1 where its format has none.
    pages: int = 1
    #: The text that a page of a PDF holds; None for any other image.
    text: str | None = None
    #: The file, where all that read it see these pixels in it; None for others, and where files are not kept.
    file: bytes | None = None


class Decoder:
    """Decodes images within `limits`; safe to use from many threads.

    `enough_pixels` is the size beyond which the model usually gains nothing; where `keeps_files`, they come
    with what was made of them. Sets Pillow's own guard
    against bombs, which is one for the whole process, to the same limit.
    """

    def __init__(self, limits: Limits, enough_pixels: int, *, keeps_files: bool = False) -> None:
        self._limits = limits
        self._keeps_files = keeps_files
        self._enough_pixels = enough_pixels
        self._room = Room(limits.decode_pixels or limits.max_image_pixels)
        set_pillows_guard(Image, limits.max_image_pixels)
        # It warns of size, which is checked here, and of damaged side data, which takes nothing from the
        # picture.
        warnings.filterwarnings("ignore", module=r"PIL\.")

    def decode(
        self,
        data: bytes,
        page: int = 1,
        check_wanted: CheckWanted = lambda: None,
        enough_pixels: int = 0,
        dpi: int | None = None,
    ) -> Decoded:
        """The image in `data`, or that page of it, counted from 1; may wait for others to be decoded.

        `enough_pixels` counts where it is more than usual, and `dpi` if it is a PDF; `check_wanted` is called
        now and then while it waits, and what it raises ends that. Raises ImageRejected (`empty_file`,
        `not_an_image`, `truncated_image`, `unsupported_format`, `pdf_password`) or TooLarge
        (`image_too_large`, `too_many_pixels`, `image_too_long`, `too_many_pages`, `pdf_too_costly`).
        """
        check_bytes(len(data), self._limits)
        check_kind(BytesIO(data))
        keep_pixels = _MARGIN * max(enough_pixels, self._enough_pixels)
        if is_pdf(data[:1024]):
            return self._draw(data, page, check_wanted, keep_pixels, dpi or self._limits.pdf_dpi)
        pages = pages_of(BytesIO(data), self._limits)
        if page > max(1, len(pages)):
            raise ImageRejected(f"The file has no page {page}: it has {max(1, len(pages))}.")
        own = beginning_with(data, pages[page - 1]) if pages else data
        decoded = self._decode(own, check_wanted, keep_pixels)
        return replace(decoded, pages=max(1, len(pages)), file=data if decoded.file is not None else None)

    def _decode(self, data: bytes, check_wanted: CheckWanted, keep_pixels: int) -> Decoded:
        if is_heif(data[:1024]):
            return self._decode_heif(data, check_wanted, keep_pixels)
        file = plain(data, self._limits)
        image = opened(file)
        size = (file.packing.width, image.height) if file.packing else image.size
        check_pixels(*size, self._limits)
        least = _wanted_size(size, keep_pixels * _JPEG_MARGIN / _MARGIN)
        looks_alike = self._keeps_files and _looks_alike_everywhere(image)
        image.draft(None, least)
        with self._taken(needed_for(image, file, min(keep_pixels, size[0] * size[1])), check_wanted):
            notes = [Note.FIRST_FRAME] if is_animated(file, image) else []
            orientation = _orientation(file, image)
            pixels = read(file, image, least, self._limits.least_image_part)
            notes += [Note.IMAGE_INCOMPLETE] if pixels.part or file.is_cut else []
            notes += [Note.IMAGE_DAMAGED] if pixels.is_damaged else []
            shown = scaled(pixels.size, _on_paper(pixels), _wanted_size(pixels.size, keep_pixels))
            # It makes room for the one that is turned.
            pixels.loaded.close()
            width, height = reversed(size) if orientation > 4 else size
            is_as_it_came = looks_alike and orientation == 1 and not notes
            return Decoded(
                *(upright(shown, orientation), width, height, tuple(notes)),
                file=data if is_as_it_came else None,
            )

    def _decode_heif(self, data: bytes, check_wanted: CheckWanted, keep_pixels: int) -> Decoded:
        size = heif_size(BytesIO(data))
        check_pixels(*size, self._limits)
        with self._taken(HEIF_BYTES * size[0] * size[1], check_wanted):
            # Its reader has turned it.
            picture = first_picture(data, size)
            notes = [Note.FIRST_FRAME] if picture.are_several else []
            notes += [Note.IMAGE_INCOMPLETE] if is_unfilled(data, self._limits.least_image_part) else []
            pixels = pixels_of(picture.image)
            shown = scaled(size, _on_paper(pixels), _wanted_size(size, keep_pixels))
            return Decoded(shown, *size, tuple(notes))

    def _draw(self, data: bytes, page: int, check_wanted: CheckWanted, keep_pixels: int, dpi: int) -> Decoded:
        most = min(keep_pixels, self._limits.decode_pixels or self._limits.max_image_pixels)
        with self._taken(PDF_BYTES * most, check_wanted):
            drawn = page_of(data, page, dpi, most, self._limits)
            return Decoded(
                drawn.image, drawn.width, drawn.height, drawn.notes, pages=drawn.pages, text=drawn.text
            )

    @contextmanager
    def _taken(self, size_bytes: int, check_wanted: CheckWanted) -> Iterator[None]:
        """Room for so many bytes; whatever goes wrong in it is the image's fault."""
        with self._room.taken(size_bytes, check_wanted):
            try:
                yield
            except (Image.DecompressionBombError, MemoryError) as error:
                raise too_many_pixels(error) from error
            except Eva01Error:
                raise
            except Exception as error:
                raise truncated_image(error) from error
            finally:
                if size_bytes >= WORTH_GIVING_BACK_BYTES:
                    give_back()


def _wanted_size(size: tuple[int, int], keep_pixels: float) -> tuple[int, int]:
    """The size to scale down to; a JPEG decoder that is asked for it skips finer detail."""
    scale = min(1.0, sqrt(keep_pixels / (size[0] * size[1])))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _looks_alike_everywhere(image: ImageFile.ImageFile) -> bool:
    """True for a file in which every reader sees the same, but for how it was held.

    What is transparent is put on white, on black or on nothing at all, 16 bits are cut or scaled, and CMYK is
    read in several ways.
    """
    is_opaque = "transparency" not in image.info
    return image.format in _READ_EVERYWHERE and image.mode in ("L", "RGB", "P") and is_opaque


def _on_paper(pixels: Pixels) -> Rows:
    shown, part = on_paper(pixels.size, pixels.rows), pixels.part
    if part is None:
        return shown

    def blanked(top: int, end: int) -> Image.Image:
        strip = shown(top, end)
        part.blank(strip, top)
        return strip

    return blanked


def _orientation(file: Plain, image: ImageFile.ImageFile) -> int:
    """From the file; else from the EXIF that the format's reader has found.

    AVIF says it with its pixels, and its reader writes that into the EXIF.
    """
    if file.orientation is not None:
        return file.orientation
    return orientation_in(image.info.get("exif") or b"")
