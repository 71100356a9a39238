"""A worker that says answers piece by piece."""

import threading

from jobs.contract import names
from jobs.contract.models import Job, JobState, Result, new_id
from jobs.contract.saying.pieces import Piece
from tests.processes import PATIENCE_S, wait_until
from web.services import Services

#: A piece of an answer, how it ends, or what is waited for before the next.
Step = tuple[int, str] | tuple[int, str, bool] | Result | threading.Event


class Speaker:
    """A worker that answers the next question step by step, in a thread."""

    def __init__(self, services: Services, steps: tuple[Step, ...]) -> None:
        self._services, self._steps = services, steps
        self.job: Job | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def state(self) -> JobState:
        assert self.job
        return self._services.store.get_job(self.job.id).state

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        redis, waiting = self._services.store.redis, names.interactive_queue("nano")
        wait_until(lambda: redis.lpop(waiting), "a question waits", every_s=0.005)
        taken = self._services.store.take("nano", new_id())
        assert taken
        self.job = taken.job
        for step in self._steps:
            if isinstance(step, threading.Event):
                assert step.wait(PATIENCE_S)
            elif isinstance(step, Result):
                self._services.store.finish(self.job.id, step)
                self._say(0, None)
            else:
                self._say(*step)

    def _say(self, start: int, text: str | None, is_thought: bool = False) -> None:
        assert self.job
        assert self.job.listener
        self._services.wire.say(self.job.listener, [Piece(self.job.id, start, text, is_thought)])
