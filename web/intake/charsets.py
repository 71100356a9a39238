"""Text of which nobody said how it is written, such as a file's name in a header.

valid UTF-8             ──► that
mostly common 漢字, かな ──► GB 18030 or Shift-JIS, whichever makes more of them
anything else           ──► Windows-1252, whose undefined bytes become %XX
"""

import codecs
from collections.abc import Callable

#: Python's codecs that are no charsets of text, or that make half surrogates, which no text has.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
#: The share of common characters below which a reading is no more than a coincidence.
_PLAUSIBLE = 0.5


def readable(data: bytes) -> str:
    """What `data` most likely says; other bytes give another text, but where two charsets meet in one."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    share, charset = max((_common_share(data, *reading), reading[0]) for reading in _READINGS)
    return data.decode(charset) if share >= _PLAUSIBLE else data.decode("cp1252", _PERCENT)


def decoded(data: bytes, charset: str) -> str:
    """What `data` says in `charset`.

    Raises ValueError when that is no charset, or not its own.
    """
    try:
        if codecs.lookup(charset).name not in _NO_CHARSETS:
            return data.decode(charset)
    except LookupError:
        # No charset at all.
        pass
    raise ValueError(f"{charset[:100]!r} is no charset")


def _common_share(data: bytes, charset: str, is_common: Callable[[bytes], bool]) -> float:
    """How much of what is not ASCII are common characters, when `data` is read so; 0 when it cannot be."""
    try:
        written = [sign.encode(charset) for sign in data.decode(charset) if not sign.isascii()]
    except UnicodeError:
        return 0
    return sum(map(is_common, written)) / len(written) if written else 0


def _is_common_gb(sign: bytes) -> bool:
    """Punctuation, full-width letters, and the 3,755 characters of GB 2312's first level."""
    return len(sign) == 2 and sign[1] >= 0xA1 and (sign[0] in (0xA1, 0xA3) or 0xB0 <= sign[0] <= 0xD7)


def _is_common_jis(sign: bytes) -> bool:
    """Punctuation, full-width letters, kana, and the 2,965 characters of JIS X 0208's first level."""
    return len(sign) == 2 and (0x81 <= sign[0] <= 0x83 or 0x88 <= sign[0] <= 0x98)


_READINGS = (("gb18030", _is_common_gb), ("cp932", _is_common_jis))
_PERCENT = "eva01.percent"


def _as_percent(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_PERCENT, _as_percent)
