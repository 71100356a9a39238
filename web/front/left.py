"""What is left to send of some bytes: in memory, or in an unnamed file once a reader turns out to be slow."""

import io
from typing import IO, TYPE_CHECKING

from web.front.framing import PIECE_BYTES

if TYPE_CHECKING:
    from web.front.front import Front


class Left:
    """Bytes that are sent piece by piece."""

    def __init__(self, data: bytes, front: "Front") -> None:
        self._front = front
        self._file: IO[bytes] = io.BytesIO(data)
        self._is_on_disk = False

    async def next_piece(self) -> bytes:
        """The next bytes; none when all were given."""
        if self._is_on_disk:
            return await self._front.on_disk(self._file.read, PIECE_BYTES)
        return self._file.read(PIECE_BYTES)

    async def set_aside(self) -> None:
        """Keep them out of memory from now on.

        Raises NoRoom.
        """
        if not self._is_on_disk:
            self._file, self._is_on_disk = await self._front.on_disk(self._front.copied, self._file), True

    def close(self) -> None:
        """Forget the rest."""
        self._file.close()
