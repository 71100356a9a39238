"""Images behind one address: a folder, S3, GCS or Azure. Everything can be rebuilt from here."""

from pathlib import Path
from typing import IO

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from jobs import names
from jobs.errors import NotFound, Unavailable
from jobs.settings import BadSetting

#: Schemes that `EVA01_BLOBS` may begin with.
_SCHEMES = ("file://", "s3://", "s3a://", "gs://", "az://", "memory://")


class BlobStore:
    """Content-addressed images in an object store.

    Every method raises Unavailable when the store does not answer.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(_SCHEMES):
            raise BadSetting(f"EVA01_BLOBS={url!r}: should begin with one of {', '.join(_SCHEMES)}.")
        self.url = url
        self._store = _open(url)

    def put_image(self, sha256: str, file: IO[bytes] | Path | bytes) -> None:
        """Keep an image under its hash, streaming; does nothing when it is there already."""
        path = names.image_path(sha256)
        try:
            if not self._exists(path):
                obstore.put(self._store, path, file)
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def get_image(self, sha256: str) -> bytes:
        """An image's bytes.

        Raises NotFound when the store has no such image.
        """
        try:
            return bytes(obstore.get(self._store, names.image_path(sha256)).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            message = f"Image {sha256} is not in the blob store {self.url}. Send the file again."
            raise NotFound(message, code="image_not_found") from error
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def ping(self) -> None:
        """Ask the store for something, whether it is there or not."""
        try:
            self._exists(names.image_path("0" * 64))
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def _exists(self, path: str) -> bool:
        try:
            obstore.head(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"The blob store {self.url} does not answer: {error}", code="blob_store_unavailable"
        )


def _open(url: str) -> "obstore.store.ObjectStore":
    if url.startswith("file://"):
        return from_url(url, mkdir=True)
    return from_url(url)
