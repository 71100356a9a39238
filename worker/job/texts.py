"""The text that a page of a PDF holds, kept beside its thumbnail; no job depends on it."""

import logging
from dataclasses import dataclass

from jobs.contract import names
from jobs.storage.files.blobs import BlobStore
from jobs.storage.image_uses import ImageUses

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Texts:
    """Keeps what was found on pages that were drawn."""

    blobs: BlobStore
    image_uses: ImageUses

    def keep(self, sha256: str, page: int, text: str | None) -> None:
        """Keep the text of a page, if it has any, unless it is there; a failure is logged, not raised."""
        if not text or not text.strip():
            return
        path = names.text_path(sha256, page)
        try:
            if not self.blobs.has(path):
                # The job may be deleted at this moment. A claim delays that: both are deleted later.
                with self.image_uses.using(sha256):
                    self.blobs.put(path, text.encode())
        except Exception as error:
            logger.warning("Image %s has no text: %s: %s", sha256, type(error).__name__, error)
