"""An answer while it is made: what is known of it so far."""

import time
from collections.abc import Mapping

import redis

from jobs.contract.errors import EngineFailure
from jobs.contract.models import Job
from jobs.contract.saying.pieces import Piece
from web.http.bell import Bell
from web.http.heard import Heard
from web.openai.chat.completion import failure_of
from web.openai.ended import cancel, ended
from web.services import Services


class Following:
    """Follows one job's answer, as it is `heard`, until `until_s` by the monotonic clock; see Live.

    What its request calls otherwise than others do, `names` has.

    A worker that dies has the answer begun anew by another: what is known already is passed over. What was
    said is never taken back; where the second differs from the first, following ends with an error.
    """

    def __init__(self, serving: Services, heard: Heard, until_s: float, names: Mapping[str, str]) -> None:
        self._serving, self._heard, self._until_s = serving, heard, until_s
        self._job_id, self._names = heard.ear.job_id, names
        #: What was thought before the answer, or the beginning of it.
        self.thought = ""
        #: The answer, or its beginning.
        self.said = ""
        #: The job, once it has succeeded, and `said` is its answer.
        self.ended: Job | None = None

    @property
    def bell(self) -> Bell:
        """Rings when something was heard."""
        return self._heard.bell

    def plan_look(self) -> bool:
        """Decide whether to look at the job's record; True when not."""
        return self._heard.plan_look()

    def look(self) -> None:
        """Take in what has come.

        Raises Eva01Error, which says why there will be no answer, or none that goes on like this.
        """
        try:
            for piece in self._heard.ear.take():
                self._add(piece)
            if self._heard.is_due:
                self._look_at_record()
        except Exception:
            self.leave()
            raise

    def leave(self) -> None:
        """Hear no more, and cancel the job unless it has ended."""
        self._heard.close()
        cancel(self._serving, self._job_id)

    def _add(self, piece: Piece) -> None:
        so_far, text = self.thought + self.said, piece.text or ""
        known, more = so_far[piece.start :], text[len(so_far) - piece.start :]
        if piece.start > len(so_far):
            # A message was lost: the rest comes with the end, or from a worker that begins anew.
            return
        if not (text.startswith(known) or known.startswith(text)) or (
            more and self.said and piece.is_thought
        ):
            raise self._otherwise()
        if piece.is_thought:
            self.thought += more
        else:
            self.said += more

    def _look_at_record(self) -> None:
        self._heard.note_look()
        try:
            job = ended(self._serving, self._job_id, self._until_s)
        except redis.RedisError:
            if self._serving.stopping.is_set() or time.monotonic() >= self._until_s:
                raise
            self._heard.look_again()
            return
        if job:
            self._end(job)

    def _end(self, job: Job) -> None:
        if job.answer is None:
            raise failure_of(job, self._names)
        thought = job.reasoning or ""
        if thought and not self.thought and self.said.startswith(thought):
            raise EngineFailure(
                f"What job {job.id} began with was its model's thought, as showed only at its end. Ask again"
                " without `stream`."
            )
        is_same = thought == self.thought if self.said else thought.startswith(self.thought)
        if not (is_same and job.answer.startswith(self.said)):
            raise self._otherwise()
        self._heard.close()
        self.thought, self.said, self.ended = thought, job.answer, job

    def _otherwise(self) -> EngineFailure:
        return EngineFailure(
            f"The worker of job {self._job_id} was lost, and another one answers otherwise than it had"
            " begun. Ask again."
        )
