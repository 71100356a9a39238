"""The body of a request, kept while it arrives: in memory while it is small, else in an unnamed file."""

import tempfile
from pathlib import Path

from web.intake.spool import check_room, no_room

#: Bytes of a body that are kept in memory.
_IN_MEMORY_BYTES = 16 * 1024


class Body:
    """What has come of one request's body: written first, then read by the app as `wsgi.input`."""

    def __init__(self, folder: Path, min_free_bytes: int) -> None:
        self._folder, self._min_free_bytes = folder, min_free_bytes
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115 (see close)
        self.size_bytes = 0
        #: Why it has no more than this; empty when it is whole.
        self.broken = ""

    def takes(self, piece: bytes) -> bool:
        """True when `piece` can be written without touching the disk."""
        return self.size_bytes + len(piece) <= _IN_MEMORY_BYTES

    def write(self, piece: bytes) -> None:
        """Append.

        Raises NoRoom when there is none on the disk.
        """
        try:
            if not self.takes(piece):
                check_room(self._folder, self._min_free_bytes)
            self._file.write(piece)
        except OSError as error:
            raise no_room(error) from error
        self.size_bytes += len(piece)

    def rewind(self) -> None:
        """Let it be read from its beginning."""
        self._file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises OSError behind the last one of a body that is broken."""
        piece: bytes = self._file.read(size)
        if self.broken and size and not piece:
            raise OSError(f"The body {self.broken}.")
        return piece

    def close(self) -> None:
        """Let it vanish."""
        self._file.close()
