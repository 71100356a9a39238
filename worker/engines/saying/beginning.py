"""What is certain of an answer while its text comes piece by piece."""

from worker.engines.saying.thinking import AnswerAlone, Marks

#: What answers do not end with (see Answers): half a character where one is cut.
_CUT = "\N{REPLACEMENT CHARACTER}"


class Beginning:
    """Holds back what an answer may end with, or begin: space, parts of characters, and what is thought.

    The pieces, put together, are the answer or its beginning. All begins within a thought where a prompt has
    `begun` one.
    """

    def __init__(self, begun: Marks | None = None) -> None:
        self._alone = AnswerAlone(begun)
        self._held = ""
        self._start = 0

    def add(self, text: str) -> tuple[int, str]:
        """Where the next piece begins, in characters, and what it is: nothing where all is held back.

        >>> beginning = Beginning()
        >>> beginning.add(" A"), beginning.add(" "), beginning.add("circle. ")
        ((0, 'A'), (1, ''), (1, ' circle.'))
        """
        text = self._held + self._alone.add(text)
        if not self._start:
            text = text.lstrip()
        said = _without_end(text)
        self._held = text[len(said) :]
        start, self._start = self._start, self._start + len(said)
        return start, said


def _without_end(text: str) -> str:
    """A text without what an answer does not end with.

    >>> _without_end("A circle. \\n\\ufffd ")
    'A circle.'
    """
    while text and (text[-1].isspace() or text[-1] == _CUT):
        text = text.rstrip().rstrip(_CUT)
    return text
