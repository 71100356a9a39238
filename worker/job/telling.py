"""Tells web what answers say while they are made, of jobs that somebody listens to.

    device ──each token──► noted ──turn over──► a thread: makes text of tokens ──one message a listener──► web

The device's thread only notes tokens. What cannot be told is left out: web has it with the end of the answer.
"""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Sequence

import redis

from jobs.contract.models import Job
from jobs.contract.saying.pieces import Piece
from jobs.storage.wire import Wire
from worker.engines import base

logger = logging.getLogger(__name__)


class Telling:
    """Tells over `wire`, in a thread of its own; all that has come meanwhile goes together."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._noted: deque[tuple[Job, base.Piece]] = deque()
        self._is_there = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="telling", daemon=True).start()

    def hear(self, job: Job) -> base.Hear | None:
        """What hears of the pieces of a job's answer; None where nobody listens to them."""
        if not (job.listener and job.hears_pieces):
            return None
        return lambda piece: self._noted.append((job, piece))

    def turn_over(self) -> None:
        """Tell what was noted; called in the device's thread."""
        if self._noted:
            self._is_there.set()

    def _run(self) -> None:
        while self._is_there.wait():
            self._is_there.clear()
            said: dict[str, list[Piece]] = defaultdict(list)
            for _ in range(len(self._noted)):
                job, make = self._noted.popleft()
                if job.listener:
                    said[job.listener] += _made(job, make)
            for listener, pieces in said.items():
                if pieces:
                    self._say(listener, pieces)

    def _say(self, listener: str, pieces: Sequence[Piece]) -> None:
        try:
            self._wire.say(listener, pieces)
        except redis.RedisError as error:
            logger.debug("Not told: %d pieces of answers: %s", len(pieces), error)


def _made(job: Job, make: base.Piece) -> Sequence[Piece]:
    """The next pieces; none where there is nothing to tell."""
    try:
        return [Piece(job.id, *part) for part in make()]
    except Exception:
        # Those that follow are no use without it, and the thread goes on for other jobs.
        logger.exception("Job %s: a piece of its answer could not be made.", job.id)
        return []
