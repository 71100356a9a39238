"""What is certain of an answer, and of the thought before it, while its text comes piece by piece."""

from collections.abc import Sequence

from worker.engines.base import Part
from worker.engines.saying.parting import Parting
from worker.engines.saying.thinking import Thinking

#: What answers do not end with (see Answers): half a character where one is cut.
_CUT = "\N{REPLACEMENT CHARACTER}"


class Beginning:
    """Holds back what a thought or an answer may end with, or begin: space, parts of characters, and marks.

    The pieces, put together, are both or their beginning, but for a model's thought without a begin that is
    not held (see Thinking).
    """

    def __init__(self, thinking: Thinking) -> None:
        self._parting = Parting(thinking)
        self._thought, self._answer = _Trimmed(), _Trimmed()
        self._start = 0

    def add(self, text: str) -> Sequence[Part]:
        """The next parts; none where all is held back.

        >>> beginning = Beginning(Thinking())
        >>> [beginning.add(text) for text in ("<think>Red", "</think>", " A", " ", "circle. ")][2:]
        [[Part(start=3, text='A', is_thought=False)], [], [Part(start=4, text=' circle.', is_thought=False)]]
        """
        thought, answer = self._parting.add(text)
        return [*self.add_thought(thought), *self._parts(self._answer.add(answer))]

    def add_thought(self, text: str) -> Sequence[Part]:
        """The same of a text that is known to be thought."""
        return self._parts(self._thought.add(text), is_thought=True)

    def _parts(self, text: str, *, is_thought: bool = False) -> Sequence[Part]:
        start, self._start = self._start, self._start + len(text)
        return [Part(start, text, is_thought)] if text else []


class _Trimmed:
    """Leaves space at the ends of a text out of it."""

    def __init__(self) -> None:
        self._held = ""
        self._has_begun = False

    def add(self, text: str) -> str:
        text = self._held + text
        if not self._has_begun:
            text = text.lstrip()
        said = _without_end(text)
        self._held = text[len(said) :]
        self._has_begun = self._has_begun or bool(said)
        return said


def _without_end(text: str) -> str:
    """A text without what an answer does not end with.

    >>> _without_end("A circle. \\n\\ufffd ")
    'A circle.'
    """
    while text and (text[-1].isspace() or text[-1] == _CUT):
        text = text.rstrip().rstrip(_CUT)
    return text
