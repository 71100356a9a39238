"""The reconciler: finds open jobs for which there is no ticket any more, and replaces the tickets.

A ticket is lost when a worker dies between taking it and noting that it holds it. Every open job should
have a ticket, waiting or held; both are counted in one step, whatever the backlog is. While workers take
tickets, a few are always in between: what counts is what stays missing over several looks.
"""

import logging
from collections import deque
from dataclasses import dataclass

from jobs.contract.errors import NotFound
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue

logger = logging.getLogger(__name__)

#: Looks in a row that must find a ticket missing.
_LOOKS = 3


@dataclass(frozen=True)
class Reconciled:
    """What one look mended."""

    #: Running jobs whose worker's ticket is gone, and which are queued again.
    taken_back: int = 0
    #: Tickets put in place of lost ones.
    tickets: int = 0


class Reconciler:
    """Looks after the tickets of all models; to be called regularly, by one process at a time."""

    def __init__(self, store: JobStore, queue: JobQueue) -> None:
        self._store = store
        self._queue = queue
        self._missing: dict[str, deque[int]] = {}

    def look(self, model: str) -> Reconciled:
        """Compare a model's open jobs with its tickets, and mend what has been wrong for a while.

        Tickets that nobody needs are dropped at once. Raises redis.RedisError when Redis is away.
        """
        while self._queue.drop_surplus(model):
            pass
        seen = self._missing.setdefault(model, deque(maxlen=_LOOKS))
        seen.append(self._queue.balance(model).missing)
        lost = min(seen) if len(seen) == _LOOKS else 0
        if not lost:
            return Reconciled()
        seen.clear()
        taken_back = self._take_back_lost(model)
        self._queue.add_tickets(model, lost)
        logger.warning(
            "%s: %d tickets were lost and are replaced; %d jobs ran for lost tickets and are queued again.",
            model,
            lost,
            taken_back,
        )
        return Reconciled(taken_back, lost)

    def _take_back_lost(self, model: str) -> int:
        """Queue the running jobs again whose tickets nobody holds."""
        return sum(self._take_back(job_id) for job_id in self._queue.running_unheld(model))

    def _take_back(self, job_id: str) -> bool:
        try:
            is_queued = self._store.take_back(job_id)
        except NotFound:
            return False
        if is_queued:
            logger.warning("Job %s: nobody holds its ticket; it is queued again.", job_id)
        return is_queued
