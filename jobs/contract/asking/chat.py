"""What was said before an answer, where that is more than a question: turns, as OpenAI's API has them.

Source of the roles: https://platform.openai.com/docs/api-reference/chat/create (`messages`).
"""

from collections.abc import Sequence
from enum import StrEnum

from jobs.contract.base import Kept


class Role(StrEnum):
    """Who speaks."""

    #: Whoever set the model up.
    SYSTEM = "system"
    #: Whoever asks.
    USER = "user"
    #: The model, in answers that it gave before.
    ASSISTANT = "assistant"


class Turn(Kept):
    """What one of them says."""

    role: Role
    #: Texts; None stands for the next of the job's images, in its place among them.
    parts: tuple[str | None, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Its texts alone."""
        return tuple(part for part in self.parts if part is not None)


def question_about(images: int, question: str) -> Turn:
    """The turn in which somebody asks one question about all images of a job."""
    return Turn(role=Role.USER, parts=(*[None] * images, question))


def ending_with(turns: Sequence[Turn], text: str) -> tuple[Turn, ...]:
    """The same turns, in the last of which a paragraph follows."""
    *earlier, last = turns
    *before, end = last.parts or ("",)
    parts = (*before, end, text) if end is None else (*before, f"{end}\n\n{text}")
    return (*earlier, Turn(role=last.role, parts=parts))


def surrounded(turns: Sequence[Turn], before: str, after: str) -> tuple[Turn, ...]:
    """The same turns, in which these texts stand around what is asked in the end."""
    place = max((place for place, turn in enumerate(turns) if turn.role is Role.USER), default=len(turns) - 1)
    asked = turns[place]
    parts = [*asked.parts] if asked.texts else [*asked.parts, ""]
    texts = [number for number, part in enumerate(parts) if part is not None]
    parts[texts[0]] = f"{before}{parts[texts[0]]}"
    parts[texts[-1]] = f"{parts[texts[-1]]}{after}"
    return (*turns[:place], Turn(role=asked.role, parts=tuple(parts)), *turns[place + 1 :])


def question_in(turns: Sequence[Turn]) -> str:
    """What is asked in the end, as people are shown it: the texts of the last turn of who asks."""
    asked = [turn for turn in turns if turn.role is Role.USER]
    return "\n".join(asked[-1].texts).strip() if asked else ""
