"""What a model thinks before it answers, between two marks: which these are, and how they are read."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
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
#: Tokens of GLM-V around the part of an answer that counts, which people are not shown.
_BOXES = ("<|begin_of_box|>", "<|end_of_box|>")


class Thinking(NamedTuple):
    """What is known of a model's thoughts before it says anything."""

    #: The marks of the thought that the prompts of plain text begin.
    begun: Marks | None = None
    #: Those that are its own, so that it may end a thought by one which it never began.
    known: Sequence[Marks] = ()
    #: True where its makers foresee such ends alone: what it says may be a thought up to the very end.
    is_held: bool = False


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
