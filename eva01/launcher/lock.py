"""One `eva01 up` a data folder: two servers on one append-only file would destroy it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eva01.cli.errors import CommandError

_NAME = "up.lock"


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system releases when the process ends, however that happens.

    Raises CommandError when another process holds it.
    """
    with os.fdopen(os.open(data / _NAME, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CommandError("already_running", _refusal(data, file.read().strip())) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_held(data: Path) -> bool:
    """True while an `eva01 up` uses the folder."""
    try:
        with (data / _NAME).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _refusal(data: Path, pid: str) -> str:
    return (
        f"Another `eva01 up` (process {pid or 'unknown'}) uses the data folder {data}. Use its page or"
        " `eva01 submit`, stop it, or name another folder with EVA01_DATA."
    )
