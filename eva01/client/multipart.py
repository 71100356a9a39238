"""A multipart/form-data body that is read from disk while it is sent, and keeps every file name intact.

A form's usual `filename="…"` cannot carry every name: quotes, backslashes, newlines and a literal `%22`
come out changed at the other end. So each part also has `filename*=` (RFC 8187), percent-encoded UTF-8,
which Werkzeug, like others that know it, prefers.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from eva01.client.errors import FileUnreadable

#: Bytes read from a file at a time.
_READ_BYTES = 256 * 1024
#: How files are opened: as bytes on Windows, and without waiting anywhere else.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class FilePart:
    """One file of a form."""

    field: str
    #: The name the server is told; any Unicode.
    name: str
    path: Path
    size_bytes: int

    def check(self) -> None:
        """Raises FileUnreadable when it cannot be sent, before a request is begun in vain."""
        try:
            with _opened(self) as file:
                size_bytes = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise FileUnreadable(self.name, error.strerror or str(error)) from error
        if size_bytes != self.size_bytes:
            raise FileUnreadable(self.name, "its size has changed since it was found")


@dataclass(frozen=True)
class TextPart:
    """A field of text in its place among the files of a form."""

    field: str
    text: str


class Multipart:
    """A form with its length known beforehand; iterate it as often as it must be sent.

    Iterating raises FileUnreadable when a file is gone or has not the size it had.
    """

    def __init__(self, parts: Sequence[FilePart | TextPart], fields: Mapping[str, str] | None = None) -> None:
        self._boundary = secrets.token_hex(16)
        self._fields = b"".join(self._field(name, value) for name, value in (fields or {}).items())
        self._parts = [(self._part_head(part), part) for part in parts]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the body."""
        length = len(self._fields) + len(self._end)
        length += sum(len(head) + _size_bytes(part) + len(b"\r\n") for head, part in self._parts)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(length),
        }

    def __iter__(self) -> Iterator[bytes]:
        yield self._fields
        for head, part in self._parts:
            yield head
            yield from _content(part) if isinstance(part, FilePart) else [part.text.encode()]
            yield b"\r\n"
        yield self._end

    def _field(self, name: str, value: str) -> bytes:
        return self._head(f'form-data; name="{name}"') + value.encode() + b"\r\n"

    def _part_head(self, part: FilePart | TextPart) -> bytes:
        if isinstance(part, TextPart):
            return self._head(f'form-data; name="{part.field}"')
        disposition = f'form-data; name="{part.field}"; filename="{_plain(part.name)}"'
        disposition += f"; filename*=UTF-8''{quote(part.name, safe='')}"
        return self._head(disposition, "Content-Type: application/octet-stream\r\n")

    def _head(self, disposition: str, more: str = "") -> bytes:
        return f"--{self._boundary}\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode()


def _size_bytes(part: FilePart | TextPart) -> int:
    return part.size_bytes if isinstance(part, FilePart) else len(part.text.encode())


def _plain(name: str) -> str:
    """A name in harmless ASCII, for a server that knows only `filename=`."""
    return re.sub(r"[^A-Za-z0-9 ._/-]", "_", name)


def _opened(part: FilePart) -> BinaryIO:
    """The file, open; what has become a pipe since it was found keeps nobody waiting for its other end.

    Raises FileUnreadable and OSError.
    """
    file = os.fdopen(os.open(part.path, _READ), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileUnreadable(part.name, "it is no file")
    return file


def _content(part: FilePart) -> Iterator[bytes]:
    left = part.size_bytes
    try:
        with _opened(part) as file:
            while piece := file.read(_READ_BYTES):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
    except OSError as error:
        raise FileUnreadable(part.name, error.strerror or str(error)) from error
    if left:
        raise FileUnreadable(part.name, "its size changes while it is sent")
