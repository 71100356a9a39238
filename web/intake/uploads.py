"""A file into the blob store: hashed, inspected, and streamed, never whole in memory."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from jobs.contract.images import check_bytes
from web.intake.headers import inspect
from web.intake.spool import Part
from web.services import Services

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class KeptImage:
    """An image that is in the blob store."""

    sha256: str
    media_type: str


@contextmanager
def kept_image(services: Services, part: Part) -> Iterator[KeptImage]:
    """Check a file and put it into the blob store, where it stays at least until the `with` is left.

    In it the job is to be made: an image without one may be deleted. Raises ImageRejected and TooLarge when
    it is no image that can be answered, Unavailable when the blob store is away.
    """
    check_bytes(part.size_bytes, services.limits)
    file = cast(IO[bytes], part)
    media_type = inspect(file, services.limits).media_type
    digest = _sha256(file)
    file.seek(0)
    with services.image_uses.using(digest):
        services.blobs.put_image(digest, file)
        yield KeptImage(digest, media_type)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
