"""The password of the Redis that `eva01 up` starts: made once, kept in files that only their owner reads.

    password        the password, which REDIS_URL names as `?password_file=…`
    password.conf   the same in the server's own words, written anew at each start

So it stands on no command line, in no environment and in no log.
"""

import os
import re
import secrets
import stat
from pathlib import Path

from eva01.cli.errors import CommandError
from eva01.launcher import private

#: What needs no quoting in the server's file of settings.
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{16,512}")
_RANDOM_BYTES = 32


def password_file(folder: Path) -> Path:
    """Where the password is, in the folder of the server's data."""
    return folder / "password"


def write_settings(folder: Path) -> Path:
    """The file that tells the server its password, which is made when there is none.

    Raises CommandError when the password cannot be read or used.
    """
    settings = folder / "password.conf"
    try:
        private.write(settings, f"requirepass {_password(folder)}\n")
    except OSError as error:
        raise CommandError(
            "no_password", f"{error.filename}: cannot be read or written: {error.strerror}."
        ) from error
    return settings


def _password(folder: Path) -> str:
    path = password_file(folder)
    if not path.exists():
        private.write(path, secrets.token_urlsafe(_RANDOM_BYTES))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        about = os.fstat(descriptor)
        password = file.read().strip()
        if about.st_uid != os.geteuid() or not _PASSWORD.fullmatch(password):
            raise CommandError(
                "no_password",
                f"{path}: is not ours, or no password of 16 letters, digits, - and _ at least."
                " Remove it, and a new one is made.",
            )
        if stat.S_IMODE(about.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    return password
