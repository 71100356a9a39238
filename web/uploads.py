"""A file into the blob store: hashed, inspected, and streamed, never whole in memory."""

import hashlib
from dataclasses import dataclass
from typing import IO, cast

from jobs.images import check_bytes
from web.images import inspect
from web.services import Services
from web.spool import Part

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class KeptImage:
    """An image that is in the blob store."""

    sha256: str
    media_type: str


def keep_image(services: Services, part: Part) -> KeptImage:
    """Check a file and put it into the blob store.

    Raises ImageRejected and TooLarge when it is no image that can be answered, Unavailable when the blob
    store is away.
    """
    check_bytes(part.size_bytes, services.limits)
    file = cast(IO[bytes], part)
    media_type = inspect(file, services.limits).media_type
    digest = _sha256(file)
    file.seek(0)
    services.blobs.put_image(digest, file)
    return KeptImage(digest, media_type)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
