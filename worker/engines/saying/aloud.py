"""Says one answer piece by piece, while its tokens come.

What was said is never taken back: a part of a character, of a stop text, or of the space at the end of an
answer is held back until it is known what it is. The pieces, put together, are the answer or its beginning.
"""

from codecs import getincrementaldecoder
from functools import partial

from worker.engines.base import Hear
from worker.engines.saying.stops import Stops
from worker.engines.saying.vocabulary import Vocabulary

#: What answers do not end with (see Answers): half a character where one is cut.
_CUT = "\N{REPLACEMENT CHARACTER}"


class Aloud:
    """Has each token of one answer from its first on told to `hear`, which makes the pieces when it likes."""

    def __init__(self, vocabulary: Vocabulary, stops: Stops | None, hear: Hear) -> None:
        self._vocabulary, self._hear = vocabulary, hear
        self._watch = stops.watch() if stops else None
        self._decoder = getincrementaldecoder("utf-8")("replace")
        #: Bytes that may become a part of a stop text; and text that the answer may end with, or begin.
        self._unsettled = bytearray()
        self._held = ""
        #: Bytes that were decoded, and characters that were said.
        self._decoded = self._start = 0

    def add(self, token: int) -> None:
        """Tell of a token more; called in the device's thread, where nothing is done about it."""
        self._hear(partial(self._piece, token))

    def _piece(self, token: int) -> tuple[int, str]:
        text = self._held + self._decoder.decode(self._settled(token))
        if not self._start:
            text = text.lstrip()
        said = _without_end(text)
        self._held = text[len(said) :]
        start, self._start = self._start, self._start + len(said)
        return start, said

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


def _without_end(text: str) -> str:
    """A text without what an answer does not end with.

    >>> _without_end("A circle. \\n\\ufffd ")
    'A circle.'
    """
    while text and (text[-1].isspace() or text[-1] == _CUT):
        text = text.rstrip().rstrip(_CUT)
    return text
