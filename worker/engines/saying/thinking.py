"""What a model thinks before it answers, between two marks: it is kept apart from the answer.

<think> … </think> the answer      some begin by themselves,
         … </think> the answer     of others the prompt ends with the first mark
<think> … </think> <answer> the answer </answer>
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple


class Marks(NamedTuple):
    """What stands before and after a thought."""

    begin: str
    end: str
    #: What the first mark is followed by, which is no part of the thought.
    label: str = ""


#: Those of the families that think; a model that writes one of them means it, whatever its family is.
MARKS = (
    # Qwen, GLM-V, InternVL, Step, ERNIE, MiniCPM-V and what was tuned from these.
    Marks("<think>", "</think>"),
    # Kimi-VL.
    Marks("◁think▷", "◁/think▷"),
    # Mistral 3 and Pixtral.
    Marks("[THINK]", "[/THINK]"),
    # Gemma 4.
    Marks("<|channel>", "<channel|>", "thought\n"),
)
#: Between which GLM-4.1V puts its answer, once it has thought.
OPEN, CLOSE = "<answer>", "</answer>"
#: Tokens of GLM-V around the part of an answer that counts, which people are not shown.
_BOXES = ("<|begin_of_box|>", "<|end_of_box|>")


class Apart(NamedTuple):
    """What was said, in its two parts."""

    #: None where nothing was thought aloud.
    thought: str | None
    answer: str
    #: Characters that come before the answer, and up to its end; None where no mark stands there.
    begin: int | None = None
    end: int | None = None


def apart(text: str, begun: Marks | None = None) -> Apart:
    """Both parts of a text; it begins within what is thought where its prompt has `begun` that.

    >>> apart("<think>\\nRed, round.\\n</think>\\n\\nA circle.")[:2]
    ('Red, round.', 'A circle.')
    >>> apart("◁think▷Red.◁/think▷<answer>A circle.</answer>")[:2]
    ('Red.', 'A circle.')
    >>> apart("Red, ro", MARKS[0])[:2], apart("A circle.")[:2]
    (('Red, ro', ''), (None, 'A circle.'))
    """
    marks = begun or marks_at(text)
    if marks is None:
        return Apart(None, text.strip())
    thought, _, rest = text.partition(marks.end)
    if not begun:
        thought = thought.lstrip().removeprefix(marks.begin).removeprefix(marks.label)
    begin, end = len(text) - len(rest), None
    answer = rest.strip()
    if answer.startswith(OPEN):
        begin = len(text) - len(rest.lstrip()) + len(OPEN)
        answer = _without_close(answer.removeprefix(OPEN)).strip()
        end = text.index(answer, begin) + len(answer)
    return Apart(thought.strip() or None, answer, begin, end)


def marks_at(text: str) -> Marks | None:
    """The marks of the thought that a text begins with."""
    said = text.lstrip()
    return next((marks for marks in MARKS if said.startswith(marks.begin)), None)


def marks_begun(prompt: str) -> Marks | None:
    """The marks of the thought that a prompt begins at its end.

    >>> marks_begun("A circle?\\nAssistant: <think>\\n")
    Marks(begin='<think>', end='</think>', label='')
    """
    ending = prompt.rstrip()
    return next((marks for marks in MARKS if ending.endswith((marks.begin + marks.label).rstrip())), None)


class Parting:
    """Parts a thought from an answer, and leaves out their marks, while a text comes piece by piece."""

    def __init__(self, begun: Marks | None = None) -> None:
        self._marks = begun
        self._held = self._thought = self._answer = ""
        self._read = self._in_thought if begun else self._before

    def add(self, text: str) -> tuple[str, str]:
        """What is certain to be thought, and to be of the answer, with a piece more.

        >>> parting = Parting()
        >>> [parting.add(text) for text in (" <thi", "nk>Red", ".</think", "> A", " circle.")]
        [('', ''), ('Red', ''), ('.', ''), ('', ' A'), ('', ' circle.')]
        """
        self._held += text
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
            self._go_on(self._in_answer)

    def _before_label(self) -> None:
        assert self._marks
        label = self._marks.label
        if self._held.startswith(label) or not label.startswith(self._held):
            self._held = self._held.removeprefix(label)
            self._go_on(self._in_thought)

    def _in_thought(self) -> None:
        assert self._marks
        thought, end, rest = self._held.partition(self._marks.end)
        self._thought = thought if end else _without(thought, self._marks.end)
        self._held = rest if end else thought[len(self._thought) :]
        if end:
            self._go_on(self._before_answer)

    def _before_answer(self) -> None:
        begun = self._held.lstrip()
        if begun != OPEN and OPEN.startswith(begun):
            return
        if begun.startswith(OPEN):
            self._held = begun.removeprefix(OPEN)
            self._go_on(self._in_wrapped)
        else:
            self._go_on(self._in_answer)

    def _in_wrapped(self) -> None:
        self._answer = _without_close(self._held)
        self._held = self._held[len(self._answer) :]

    def _in_answer(self) -> None:
        self._answer, self._held = self._held, ""

    def _go_on(self, read: Callable[[], None]) -> None:
        self._read = read
        read()


def _without_close(text: str) -> str:
    """A text without the mark behind an answer, or the beginning of that.

    >>> _without_close("A circle.</answer>\\n"), _without_close("A circle.</ans"), _without_close("a < b ")
    ('A circle.', 'A circle.', 'a < b ')
    """
    closed = text.rstrip()
    return closed.removesuffix(CLOSE) if closed.endswith(CLOSE) else _without(text, CLOSE)


def _without(text: str, mark: str) -> str:
    """A text without the beginning of a mark at its end."""
    sizes = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((text[:-size] for size in sizes if text.endswith(mark[:size])), text)


class Spoken:
    """Decodes tokens with the marks of thoughts, which some tokenizers leave out as control tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.items()
        self._control = {id_ for id_, token in added if is_control(token)}
        self._marks = {id_: str(token) for id_, token in added if token.special and id_ not in self._control}

    def text_of(self, tokens: Sequence[int]) -> str:
        """Their text."""
        parts, begin = [], 0
        for place, token in enumerate(tokens) if self._marks else ():
            if mark := self._marks.get(token):
                parts += [self._decoded(tokens[begin:place]), mark]
                begin = place + 1
        return "".join([*parts, self._decoded(tokens[begin:])])

    def count_of(self, tokens: Sequence[int], characters: int) -> int:
        """How many tokens make up the first characters of their text."""
        counts = range(len(tokens))
        return bisect_left(counts, characters, key=lambda count: len(self.text_of(tokens[:count])))

    def _decoded(self, tokens: Sequence[int]) -> str:
        shown = [token for token in tokens if token not in self._control]
        text: str = self._tokenizer.decode(shown, skip_special_tokens=True)
        return text


def is_control(token: Any) -> bool:
    """Whether an added token is left out where text is made of tokens."""
    text = str(token)
    marks: Collection[str] = {mark for pair in MARKS for mark in (pair.begin, pair.end)}
    return text in _BOXES or (bool(token.special) and text not in marks)
