"""Which weights a model has, so that its answers are never reused for other weights.

The weights in a folder may be replaced, and an address of the hub leads to its latest revision.
"""

import hashlib
from pathlib import Path
from uuid import uuid4

from huggingface_hub import constants, try_to_load_from_cache

#: Bytes up to which a file is hashed: settings, tokenizers, small weights.
_READ_WHOLE = 32 * 1024 * 1024


def weights_of(source: str) -> str:
    """The files in a folder as they are now, or the revision of an address that was loaded."""
    folder = Path(source)
    return _digest(folder) if folder.is_dir() else f"{source}@{_revision(source)}"


def _revision(source: str) -> str:
    """The commit that is cached on this machine; when it cannot be known, a value that never comes again."""
    settings = try_to_load_from_cache(source, constants.CONFIG_NAME)
    return Path(settings).parent.name if isinstance(settings, str) else uuid4().hex


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return hashlib.sha256("\n".join(map(_fingerprint, files)).encode()).hexdigest()


def _fingerprint(file: Path) -> str:
    """A file's name and hash; size and time where it is large, because gigabytes take too long to hash."""
    about = file.stat()
    if about.st_size > _READ_WHOLE:
        return f"{file.name} {about.st_size} {about.st_mtime_ns}"
    return f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}"
