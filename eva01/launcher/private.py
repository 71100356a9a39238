"""Files of the data folder, which nobody but their owner can ever read.

Our own umask is left as it is: the results that `eva01 up` writes are where the user wants them.
"""

import os
from pathlib import Path
from typing import IO

#: What is taken from all that our children write.
OTHERS = 0o077
_RIGHTS = 0o600


def appended(path: Path) -> IO[bytes]:
    """A file, made if need be, to write on at its end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _RIGHTS)
    file = os.fdopen(descriptor, "ab")
    file.seek(0, os.SEEK_END)
    return file


def write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _RIGHTS)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
