"""The key that a client shows to its server: where it comes from, and how it is sent.

It is shown in no error, and sent to the server that was named alone: no redirect is followed.
"""

import os
import re
import warnings
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from eva01.client.errors import ClientError

#: Hosts that are this machine, where nobody listens in between.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
#: What a key may be made of: what a header may hold, without spaces.
_KEY = re.compile(r"[!-~]{1,200}")


class KeyInClear(UserWarning):
    """Warns of a key that whoever is between here and the server can read."""


def key_of_environment() -> str:
    """EVA01_KEY, else what is in the file EVA01_KEY_FILE; empty where there is neither.

    Raises ClientError when the file cannot be read.
    """
    if key := os.environ.get("EVA01_KEY"):
        return key
    file = os.environ.get("EVA01_KEY_FILE")
    return key_of_file(Path(file)) if file else ""


def key_of_file(file: Path) -> str:
    """The key in a file.

    Raises ClientError when it cannot be read, or is empty.
    """
    try:
        key = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise ClientError("no_key_file", f"{file}: no key can be read there: {error.strerror}.") from error
    if not key:
        raise ClientError("no_key_file", f"{file} is empty: there should be a key in it.")
    return key


class Bearer(httpx.Auth):
    """Sends a key with each request, as the server wants it."""

    def __init__(self, key: str, server: str) -> None:
        self._key = key.strip()
        if not _KEY.fullmatch(self._key):
            raise ClientError(
                "bad_key",
                "The key (--key, --key-file, EVA01_KEY, EVA01_KEY_FILE) has characters that no key has."
                " Copy it again, whole and alone.",
            )
        address = urlsplit(server)
        if address.scheme == "http" and address.hostname not in LOOPBACK:
            warnings.warn(
                f"The key is sent to {address.hostname} in clear, where others may read it on its way."
                " Ask by https://.",
                KeyInClear,
                stacklevel=4,
            )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Called by httpx."""
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request
