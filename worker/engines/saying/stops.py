"""Texts at which an answer ends: they are found across the borders of tokens, and are no part of it."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from worker.engines.saying.vocabulary import Vocabulary


class Watch:
    """Looks for the first of `stops` (UTF-8) in what one row says; `bytes_of` gives the text of a token."""

    def __init__(self, stops: Sequence[bytes], bytes_of: Callable[[int], bytes]) -> None:
        self._stops, self._bytes_of = stops, bytes_of
        self._said = bytearray()
        #: Where each token begins in it.
        self._starts: list[int] = []
        self._found: int | None = None

    @property
    def has_found(self) -> bool:
        """True once a stop text is there as a whole; what follows is not looked at."""
        return self._found is not None

    @property
    def text(self) -> str:
        """What was said before the stop text."""
        return self._said[: self._found].decode("utf-8", "replace")

    @property
    def settled(self) -> int:
        """Bytes that are no part of a stop text, nor can become one with what follows."""
        if self._found is not None:
            return self._found
        begun = (
            size
            for stop in self._stops
            for size in range(min(len(stop) - 1, len(self._said)), 0, -1)
            if self._said.endswith(stop[:size])
        )
        return len(self._said) - max(begun, default=0)

    @property
    def count(self) -> int:
        """Tokens that begin before the stop text; the last may be a part of it as well."""
        return bisect_left(self._starts, len(self._said) if self._found is None else self._found)

    @property
    def count_with_stop(self) -> int:
        """Tokens with those of the stop text."""
        return len(self._starts)

    def add(self, token: int) -> None:
        """Look at a token more."""
        if self.has_found:
            return
        start = len(self._said)
        self._starts.append(start)
        self._said += self._bytes_of(token)
        # One may have begun in earlier tokens, and cannot have ended there.
        places = [self._said.find(stop, max(0, start - len(stop) + 1)) for stop in self._stops]
        self._found = min((place for place in places if place >= 0), default=None)


class Stops:
    """The stop texts of one job, whose answer is made of the tokens of `vocabulary`."""

    def __init__(self, texts: Sequence[str], vocabulary: Vocabulary) -> None:
        self._texts = [text.encode() for text in texts]
        self._vocabulary = vocabulary

    def watch(self) -> Watch:
        """What follows one answer from its first token on."""
        return Watch(self._texts, self._vocabulary.text_of)
