"""Parts what a model thinks from what it answers.

<think> … </think> the answer      some begin by themselves,
         … </think> the answer     of others the prompt ends with the first mark, or nobody says it
<think> … </think> <answer> the answer </answer>
"""

from collections.abc import Callable
from typing import NamedTuple

from worker.engines.saying.thinking import MARKS, Thinking, marks_at

#: Between which GLM-4.1V puts its answer, once it has thought; what comes behind it is no part of it.
OPEN, CLOSE = "<answer>", "</answer>"
#: Between two thoughts of one answer.
_BETWEEN = "\n\n"
_NOTHING_KNOWN = Thinking()


class Apart(NamedTuple):
    """What was said, in its two parts."""

    #: None where nothing was thought aloud.
    thought: str | None
    answer: str
    #: Characters up to the end of the thought with its marks, before the answer, and up to the end of that;
    #: None where no mark stands there.
    thought_end: int | None = None
    begin: int | None = None
    end: int | None = None


def apart(text: str, thinking: Thinking = _NOTHING_KNOWN) -> Apart:
    """Both parts of a text.

    >>> apart("<think>\\nRed, round.\\n</think>\\n\\nA circle.")[:2]
    ('Red, round.', 'A circle.')
    >>> apart("◁think▷Red.◁/think▷<answer>A circle.</answer>")[:2]
    ('Red.', 'A circle.')
    >>> apart("Red, ro", Thinking(MARKS[0]))[:2], apart("A circle.")[:2]
    (('Red, ro', ''), (None, 'A circle.'))
    >>> apart("Red.</think>A circle.")[:2], apart("Red.</think>A circle.", Thinking(known=MARKS))[:2]
    ((None, 'Red.</think>A circle.'), ('Red.', 'A circle.'))
    """
    parting = Parting(thinking, is_whole=True)
    (thought, answer), (thought_held, answer_held) = parting.add(text), parting.held
    thought, answer, begin = thought + thought_held, answer + answer_held, parting.begin
    end = begin + len(answer.rstrip()) if begin is not None and parting.is_wrapped else None
    return Apart(thought.strip() or None, answer.strip(), parting.thought_end, begin, end)


class Parting:
    """Parts a thought from an answer, and leaves out their marks, while a text comes piece by piece.

    One that `is_whole` comes as one piece, in which an end may be found of what has no begin.
    """

    def __init__(self, thinking: Thinking = _NOTHING_KNOWN, *, is_whole: bool = False) -> None:
        self._marks = thinking.begun
        #: Marks that what has no begin may end with.
        self._ends = thinking.known if is_whole or thinking.is_held else ()
        self._held = self._thought = self._answer = ""
        self._count = 0
        self._read = self._before_again if thinking.begun else self._before
        #: Characters up to the end of what is thought, and those that come before the answer; None before it.
        self.thought_end: int | None = None
        self.begin: int | None = None
        #: True where the answer stands between marks of its own.
        self.is_wrapped = False

    @property
    def held(self) -> tuple[str, str]:
        """What became neither, as the text might go on: of a thought, and of an answer that end here."""
        if self._read in (self._before_again, self._before_label, self._in_thought):
            return self._held, ""
        return "", "" if self.is_wrapped else self._held

    def add(self, text: str) -> tuple[str, str]:
        """What is certain to be thought, and to be of the answer, with a piece more.

        >>> parting = Parting()
        >>> [parting.add(text) for text in (" <thi", "nk>Red", ".</think", "> A", " circle.")]
        [('', ''), ('Red', ''), ('.', ''), ('', ' A'), ('', ' circle.')]
        """
        self._held += text
        self._count += len(text)
        self._thought = self._answer = ""
        self._read()
        return self._thought, self._answer

    def _before(self) -> None:
        begun = self._held.lstrip()
        self._marks = marks_at(begun)
        if self._marks:
            self._held = begun.removeprefix(self._marks.begin)
            self._go_on(self._before_label)
        elif not any(marks.begin.startswith(begun) for marks in MARKS):
            self._go_on(self._perhaps_in_thought)

    def _perhaps_in_thought(self) -> None:
        ended = [marks for marks in self._ends if marks.end in self._held]
        if ended:
            self._marks = min(ended, key=lambda marks: self._held.index(marks.end))
            self._go_on(self._in_thought)
        elif not self._ends:
            self._go_on(self._in_answer)

    def _before_again(self) -> None:
        """Some say the mark again with which their prompt has begun the thought."""
        assert self._marks
        begun = self._held.lstrip()
        if begun.startswith(self._marks.begin):
            self._held = begun.removeprefix(self._marks.begin)
            self._go_on(self._before_label)
        elif not self._marks.begin.startswith(begun):
            self._go_on(self._in_thought)

    def _before_label(self) -> None:
        assert self._marks
        label = self._marks.label
        if self._held.startswith(label) or not label.startswith(self._held):
            self._held = self._held.removeprefix(label)
            self._go_on(self._in_thought)

    def _in_thought(self) -> None:
        assert self._marks
        thought, end, rest = self._held.partition(self._marks.end)
        certain = thought if end else _without(thought, self._marks.end)
        self._thought += certain
        self._held = rest if end else thought[len(certain) :]
        if end:
            self.thought_end = self.begin = self._count - len(rest)
            self._go_on(self._before_answer)

    def _before_answer(self) -> None:
        assert self._marks
        begun = self._held.lstrip()
        if begun.startswith(self._marks.begin):
            self._thought += _BETWEEN
            self._held = begun.removeprefix(self._marks.begin)
            self._go_on(self._before_label)
        elif begun.startswith(OPEN):
            self._held = begun.removeprefix(OPEN)
            self.begin, self.is_wrapped = self._count - len(self._held), True
            self._go_on(self._in_wrapped)
        elif not any(mark.startswith(begun) for mark in (OPEN, self._marks.begin)):
            self._go_on(self._in_answer)

    def _in_wrapped(self) -> None:
        answer, close, _ = self._held.partition(CLOSE)
        certain = answer if close else _without(answer, CLOSE)
        self._answer += certain
        self._held = answer[len(certain) :]
        if close:
            self._read = self._after_answer

    def _after_answer(self) -> None:
        self._held = ""

    def _in_answer(self) -> None:
        self._answer, self._held = self._held, ""

    def _go_on(self, read: Callable[[], None]) -> None:
        self._read = read
        read()


def _without(text: str, mark: str) -> str:
    """A text without the beginning of a mark at its end.

    >>> _without("A circle.</ans", CLOSE), _without("a < b ", CLOSE)
    ('A circle.', 'a < b ')
    """
    sizes = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((text[:-size] for size in sizes if text.endswith(mark[:size])), text)
