"""Ids, and whose something is."""

import os
import time
from datetime import UTC, datetime
from typing import Annotated

from pydantic import StringConstraints

#: 32 hexadecimal digits.
ID_PATTERN = r"^[0-9a-f]{32}$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"
JobId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
BatchId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256_PATTERN)]
#: A person or a team to whom jobs and batches belong.
OWNER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$"
Owner = Annotated[str, StringConstraints(pattern=OWNER_PATTERN)]


def new_id() -> str:
    """A fresh id: a UUIDv7, so ids sort by the time they were made (RFC 9562, with a fraction of 12 bits)."""
    now_ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    rest = int.from_bytes(os.urandom(8), "big") >> 2 | 1 << 63
    return f"{now_ms:012x}7{rest_ns * 4096 // 1_000_000:03x}{rest:016x}"


def made_at(id_: str) -> datetime | None:
    """When an id was made, to the microsecond; None when it does not say."""
    if id_[12] != "7":
        return None
    seconds, microseconds = time_in(id_)
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at.replace(microsecond=microseconds)


def time_in(id_: str) -> tuple[int, int]:
    """The time in a UUIDv7: whole seconds in Unix time, and microseconds."""
    seconds, ms = divmod(int(id_[:12], 16), 1000)
    return seconds, ms * 1000 + int(id_[13:16], 16) * 1000 // 4096
