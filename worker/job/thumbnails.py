"""Small versions of images for galleries, made by the slot that has decoded one; no job depends on them."""

import logging
from io import BytesIO

from PIL import Image

from jobs.contract import names
from jobs.formats.images import SHOWN_BY_BROWSERS
from jobs.storage.files.blobs import BlobStore
from jobs.storage.image_uses import ImageUses

logger = logging.getLogger(__name__)

#: WebP's quality, of 100: at this size the loss is not seen, and a photo takes some 10 kB.
_QUALITY = 75
#: How hard the encoder tries, of 6: beside 4, its default, in half the time, and up to a tenth larger.
_EFFORT = 2
#: Until an image has so many times the wanted size it is only averaged, which is quick; then it is scaled.
_REDUCING_GAP = 2.0


class Thumbnails:
    """Keeps a WebP of each image or page whose longest side has at most `longest_px` pixels; 0: none.

    Of an image that browsers do not show it has up to `stand_in_px`, because it stands in for that.
    """

    def __init__(
        self, blobs: BlobStore, image_uses: ImageUses, longest_px: int, stand_in_px: int = 0
    ) -> None:
        self._blobs, self._image_uses = blobs, image_uses
        self._longest_px, self._stand_in_px = longest_px, max(longest_px, stand_in_px)

    def keep(self, sha256: str, page: int, image: Image.Image, media_type: str | None = None) -> None:
        """Make the small version of a decoded page, unless it is there; a failure is logged, not raised."""
        if not self._longest_px:
            return
        path = names.thumbnail_path(sha256, page)
        try:
            if not self._blobs.has(path):
                self._put(sha256, path, encoded(image, self._longest_of(media_type)))
        except Exception as error:
            logger.warning("Image %s has no thumbnail: %s: %s", sha256, type(error).__name__, error)

    def _longest_of(self, media_type: str | None) -> int:
        is_shown = media_type is None or media_type in SHOWN_BY_BROWSERS
        return self._longest_px if is_shown else self._stand_in_px

    def _put(self, sha256: str, path: str, data: bytes) -> None:
        # The job may be deleted at this moment. A claim delays that: both are deleted later, and together.
        with self._image_uses.using(sha256):
            self._blobs.put(path, data)


def encoded(image: Image.Image, longest_px: int) -> bytes:
    """An RGB image as WebP, scaled down so that no side has more than `longest_px` pixels."""
    scale = min(1.0, longest_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # BOX or HAMMING would be quicker still, and blur what is written in it.
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    file = BytesIO()
    small.save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
    return file.getvalue()
