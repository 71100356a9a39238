"""Which weights a model has, so that its answers are never taken for those of another.

A folder may hold other weights tomorrow, and an address of the hub leads to its latest revision.
"""

import hashlib
from pathlib import Path
from uuid import uuid4

from huggingface_hub import constants, try_to_load_from_cache

#: Bytes up to which a file is told from others by all that is in it: settings, tokenizers, small weights.
_READ_WHOLE = 32 * 1024 * 1024


def weights_of(source: str) -> str:
    """The files in a folder as they are now, or the revision of an address that was loaded."""
    folder = Path(source)
    return _digest(folder) if folder.is_dir() else f"{source}@{_revision(source)}"


def _revision(source: str) -> str:
    """The commit of the hub that is on this machine; one that cannot be known is like no other."""
    settings = try_to_load_from_cache(source, constants.CONFIG_NAME)
    return Path(settings).parent.name if isinstance(settings, str) else uuid4().hex


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return hashlib.sha256("\n".join(map(_told, files)).encode()).hexdigest()


def _told(file: Path) -> str:
    """One file in a line; what is large by its size and time: gigabytes would take too long to read."""
    about = file.stat()
    if about.st_size > _READ_WHOLE:
        return f"{file.name} {about.st_size} {about.st_mtime_ns}"
    return f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}"
