"""Text of which nobody said how it is written, such as a file's name in a header.

Valid UTF-8 is UTF-8, which browsers and most programs send; else the encoding is guessed, see encodings.
"""

import codecs

from web.intake.names.encodings import guess

#: Python's codecs that are no charsets of text, or that make half surrogates, which no text has.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
#: Bytes beyond which no name is taken that has them.
_LONG_BYTES = 8192
#: What programs that send forms write names in, besides UTF-8; those of DOS are seen in zips only.
_OF_FORMS = ("gb18030", "cp932", "cp950", "cp949", "cp1252")


def readable(data: bytes) -> str:
    """What `data` most likely says; a byte that is no text there becomes %XX, or U+FFFD in long `data`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        errors = _PERCENT if len(data) <= _LONG_BYTES else "replace"
        return data.decode(guess([data], _OF_FORMS), errors)


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


_PERCENT = "eva01.percent"


def _as_percent(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_PERCENT, _as_percent)
