"""The address of an image, which a server fetches by itself where it may."""

import re
from dataclasses import dataclass
from typing import ClassVar

#: How an address begins: with http:// a server says what is wrong with it.
_BEGINNING = re.compile(r"https?://", re.IGNORECASE)
#: Bytes that an image at an address is thought to have, so that a request does not name too many.
_THOUGHT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Address:
    """Where an image is, by https; sent in place of a file."""

    url: str
    size_bytes: ClassVar[int] = _THOUGHT_BYTES
    #: A server does not unpack what it fetches.
    is_zip: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What a server calls it, roughly: its host and path, since what stands behind may be a secret."""
        return re.split(r"[?#]", self.url.partition("://")[2])[0].rpartition("@")[2]

    def __str__(self) -> str:
        return self.url


def is_address(text: str) -> bool:
    """True for an address, and not a path."""
    return bool(_BEGINNING.match(text))
