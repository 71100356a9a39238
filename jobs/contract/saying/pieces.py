"""Pieces of answers, on their way from a worker to whoever listens while they are said."""

import json
from collections.abc import Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of what a job's model says: what it thinks, then its answer."""

    job_id: str
    #: Where it begins in thought and answer, one behind the other, in characters.
    start: int
    #: None where the job has ended: its record says how. Redis says so itself (jobs/storage/lua/lib/job.lua).
    text: str | None
    is_thought: bool = False


def message_of(pieces: Sequence[Piece]) -> str:
    """Pieces as one message."""
    return json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))


def pieces_in(message: str) -> list[Piece]:
    """The pieces in a message.

    Raises ValueError for what is none.
    """
    try:
        said = json.loads(message)
        # Workers of earlier versions do not say what is thought.
        return [Piece(str(job_id), int(start), text, *more) for job_id, start, text, *more in said]
    except (TypeError, ValueError) as error:
        raise ValueError(f"no pieces of answers: {message[:100]!r}") from error
