"""Says one answer piece by piece, while its tokens come.

What was said is never taken back: a part of a character, of a stop text, or of the space at the end of an
answer is held back until it is known what it is. The pieces, put together, are the answer or its beginning.
"""

from codecs import getincrementaldecoder
from collections.abc import Sequence
from functools import partial

from worker.engines.base import Hear, Part
from worker.engines.saying.beginning import Beginning
from worker.engines.saying.stops import Stops
from worker.engines.saying.thinking import Thinking
from worker.engines.saying.vocabulary import Vocabulary


class Aloud:
    """Has each token of one answer from its first on told to `hear`, which makes the pieces when it likes."""

    def __init__(self, vocabulary: Vocabulary, stops: Stops | None, hear: Hear, thinking: Thinking) -> None:
        self._vocabulary, self._hear = vocabulary, hear
        self._watch = stops.watch() if stops else None
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._beginning = Beginning(thinking)
        #: Bytes that may become a part of a stop text.
        self._unsettled = bytearray()
        #: How many bytes were decoded.
        self._decoded = 0

    def add(self, token: int) -> None:
        """Tell of a token more; called in the device's thread, where nothing is done about it."""
        self._hear(partial(self._piece, token))

    def _piece(self, token: int) -> Sequence[Part]:
        return self._beginning.add(self._decoder.decode(self._settled(token)))

    def _settled(self, token: int) -> bytes:
        """Bytes that have become certain with a token."""
        if self._watch is None:
            return self._vocabulary.text_of(token)
        if not self._watch.has_found:
            self._unsettled += self._vocabulary.text_of(token)
        self._watch.add(token)
        count = self._watch.settled - self._decoded
        settled, self._unsettled = bytes(self._unsettled[:count]), self._unsettled[count:]
        self._decoded += count
        return settled
