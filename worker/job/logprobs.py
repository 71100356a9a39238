"""Keeps how likely each token of an answer was: in the journal beside the answer, and never in Redis.

It is kept before the answer is, so that no answer is without it for a moment, or for good after a crash.
"""

from dataclasses import dataclass

from pydantic_core import to_json

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge, Unavailable
from jobs.contract.models import Job
from jobs.contract.saying.logprobs import SaidToken
from jobs.storage.files.journal import Journal


@dataclass(frozen=True)
class Logprobs:
    """Those of an answer have `max_bytes` at most: it fails as a whole before any of them is left out."""

    journal: Journal
    max_bytes: int

    def keep(self, job: Job, answer: str, told: list[SaidToken]) -> None:
        """Keep what is told of an answer's tokens.

        Raises TooLarge (`too_many_logprobs`), and Unavailable.
        """
        content = to_json(told)
        if len(content) > self.max_bytes:
            raise TooLarge(
                f"The logprobs of this answer have {len(content):,} bytes; the limit is {self.max_bytes:,}"
                " (EVA01_MAX_LOGPROBS_BYTES). Ask for fewer top_logprobs, or a smaller max_new_tokens.",
                code=Code.TOO_MANY_LOGPROBS,
            )
        self.journal.note_logprobs(job, answer, content)

    def copy(self, known: Job, job: Job) -> bool:
        """Keep for a job what is kept of an earlier one with its answer; False where nothing can be."""
        answer = known.answer or ""
        try:
            noted = self.journal.logprobs(known.batch_id, {known.id: answer})
            if noted:
                self.journal.note_logprobs(job, answer, to_json(noted[known.id]))
        except Unavailable:
            return False
        return bool(noted)
