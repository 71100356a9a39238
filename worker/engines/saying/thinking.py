"""What a model thinks before it answers, between two marks: it is kept apart from the answer.

<think> … </think> the answer      some begin by themselves,
         … </think> the answer     of others the prompt ends with the first mark
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

BEGIN, END = "<think>", "</think>"


class Apart(NamedTuple):
    """What was said, in its two parts."""

    #: None where nothing was thought aloud.
    thought: str | None
    answer: str


def apart(text: str, *, is_begun: bool = False) -> Apart:
    """Both parts of a text; with `is_begun` it begins within what is thought.

    >>> apart("<think>\\nRed, round.\\n</think>\\n\\nA circle.")
    Apart(thought='Red, round.', answer='A circle.')
    >>> apart("Red, ro", is_begun=True), apart("A circle.")
    (Apart(thought='Red, ro', answer=''), Apart(thought=None, answer='A circle.'))
    """
    said = text.strip()
    if not is_begun and not said.startswith(BEGIN):
        return Apart(None, said)
    thought, _, answer = said.removeprefix(BEGIN).partition(END)
    return Apart(thought.strip() or None, answer.strip())


class AnswerAlone:
    """Leaves what is thought out of a text that comes piece by piece."""

    def __init__(self, *, is_begun: bool = False) -> None:
        self._is_begun, self._is_over = is_begun, False
        self._held = ""

    def add(self, text: str) -> str:
        """What is certain to be of the answer, with a piece more.

        >>> alone = AnswerAlone()
        >>> [alone.add(text) for text in (" <thi", "nk>Red", "</think", "> A", " circle.")]
        ['', '', '', ' A', ' circle.']
        """
        if self._is_over:
            return text
        self._held += text
        begun = self._held.lstrip()
        if not self._is_begun and not begun.startswith(BEGIN):
            if BEGIN.startswith(begun):
                return ""
            self._is_over = True
            return self._held
        _, end, answer = self._held.partition(END)
        self._is_over = bool(end)
        return answer


class Spoken:
    """Decodes tokens with the marks, which some tokenizers leave out as control tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.items()
        self._marks = {
            id_: str(token) for id_, token in added if token.special and str(token) in (BEGIN, END)
        }

    def text_of(self, tokens: Sequence[int]) -> str:
        """Their text."""
        parts, begin = [], 0
        for place, token in enumerate(tokens) if self._marks else ():
            if mark := self._marks.get(token):
                parts += [self._decoded(tokens[begin:place]), mark]
                begin = place + 1
        return "".join([*parts, self._decoded(tokens[begin:])])

    def thought_of(self, tokens: Sequence[int]) -> int:
        """How many tokens are thought, up to the mark that ends it; all where there is none."""
        ended = bisect_left(range(len(tokens)), True, key=lambda count: END in self.text_of(tokens[:count]))
        return int(ended)

    def _decoded(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text
