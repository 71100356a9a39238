"""The memory that all slots of a worker decode in, counted in pixels of `BYTES_A_PIXEL`.

    what a picture will take ──more than all there is──► refused
            └──► in line ──► is there room? ──no──► wait for others to end ──► decode ──► leave

The line goes by arrival, so that a large picture is not passed by small ones for ever. Nobody in the room
waits for anything of another slot, so all who wait get their turn.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge

#: Called while somebody waits; what it raises ends that.
CheckWanted = Callable[[], None]
#: What a pixel of an ordinary picture takes: itself, and a second one while it is changed or scaled down.
BYTES_A_PIXEL = 8
#: Seconds between looks at whether who waits is still wanted.
_LOOK_S = 0.5


class Room:
    """Lets pictures be decoded beside each other as long as there is room; safe to use from many threads."""

    def __init__(self, pixels: int) -> None:
        self._pixels = self._free = pixels
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def taken(self, size_bytes: int, check_wanted: CheckWanted) -> Iterator[None]:
        """Room for a picture that takes so many bytes at its peak; waits for it.

        Raises TooLarge
        (`too_many_pixels`) for a picture that there is never room for.
        """
        pixels = -(-size_bytes // BYTES_A_PIXEL)
        if pixels > self._pixels:
            raise TooLarge(
                f"Decoding the image would take {size_bytes:,} bytes; a worker has"
                f" {BYTES_A_PIXEL * self._pixels:,} for that, {BYTES_A_PIXEL} for each pixel of"
                " EVA01_DECODE_PIXELS. Scale it down, or save it as JPEG or PNG.",
                code=Code.TOO_MANY_PIXELS,
            )
        with self.entered(pixels, check_wanted):
            yield

    @contextmanager
    def entered(self, amount: int, check_wanted: CheckWanted) -> Iterator[None]:
        """Room for `amount`, or for all that there is where that is less; waits for it."""
        amount = min(amount, self._pixels)
        self._enter(amount, check_wanted)
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()

    def _enter(self, pixels: int, check_wanted: CheckWanted) -> None:
        me = object()
        with self._changed:
            self._line.append(me)
        try:
            while not self._has_entered(me, pixels):
                check_wanted()
        finally:
            with self._changed:
                self._line.remove(me)
                self._changed.notify_all()

    def _has_entered(self, me: object, pixels: int) -> bool:
        """True when it was `me`'s turn within a moment, and there was room."""
        with self._changed:
            if self._changed.wait_for(lambda: self._line[0] is me and self._free >= pixels, _LOOK_S):
                self._free -= pixels
                return True
        return False
