"""Text of strangers made safe for a terminal: file names and answers may hold anything."""

import unicodedata
from datetime import UTC, datetime

from eva01.client.models import Batch

#: Categories that move the cursor, turn the writing direction or cannot be encoded.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
#: Characters of an answer shown in one cell.
LONGEST_SHOWN = 400


def harmless(text: str) -> str:
    """One line without control characters: white space becomes a blank, all else that is unsafe `�`."""
    one_line = " ".join(text.split())
    return "".join("\N{REPLACEMENT CHARACTER}" if is_unsafe(char) else char for char in one_line)


def shortened(text: str, longest: int = LONGEST_SHOWN) -> str:
    """`harmless`, and cut with an ellipsis when it is long."""
    line = harmless(text)
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def is_unsafe(char: str) -> bool:
    """True for a character that a terminal may act upon. Joiners stay: emoji and many scripts need them."""
    return unicodedata.category(char) in _UNSAFE and char not in "\u200c\u200d"


def counted(count: int, noun: str) -> str:
    """A number with its noun: `1 image`, `1,200 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def unit_of(batch: Batch) -> str:
    """What a batch is counted in: jobs, which are images where none is about several."""
    return "job" if batch.has_lists else "image"


def moment(at: datetime) -> str:
    """A time for people, in UTC: `2027-01-31 18:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """A time for people: `40 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
