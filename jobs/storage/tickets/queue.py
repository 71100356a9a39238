"""The queue as its two sides see it: how deep it is, and whether each open job has a ticket.

A message is a ticket: it says that there is one more job to do, and not which. The worker that takes it
asks the store for the next one (JobStore.take). So the lists are as long as the work, which is what an
autoscaler needs, and the order is not bound to them: batches share the workers, and any other ticket takes
the place of one that was lost.

The scripts send a ticket in the same step in which a job is queued (jobs/storage/lua/lib/queue.lua); workers
take them with Celery (worker/broker/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import chain
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.models import JobState, made_at
from jobs.storage.scripts import load
from jobs.storage.store import JobStore
from jobs.storage.store.base import Base
from jobs.storage.unreadable import pass_over, readable, replies

#: Owners, and batches, whose waiting jobs are looked at in one call.
_MOST_OWNERS, _MOST_BATCHES = 1000, 1000
#: Tickets that are sent or dropped in one step: Redis does nothing else meanwhile, for some 10 ms.
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Depth:
    """How much work there is for one model, in jobs."""

    interactive: int
    bulk: int
    held: int
    #: How long the job that has waited longest has waited, in seconds; None when none waits.
    oldest_wait_s: float | None

    @property
    def waiting(self) -> int:
        """Jobs that no worker holds."""
        return self.interactive + self.bulk


@dataclass(frozen=True)
class Balance:
    """The open jobs of a model, and the tickets that stand for them."""

    queued: int
    running: int
    waiting: int
    held: int
    #: Tickets that were dropped because nothing needed them.
    dropped: int

    @property
    def missing(self) -> int:
        """How many more tickets are needed."""
        return max(0, self.queued + self.running - self.waiting - self.held)


def put_back(client: "redis.Redis", queue: str, ticket: str | bytes) -> None:
    """Put a ticket back in front of its queue; a full Redis takes it as well.

    Raises redis.RedisError.
    """
    load(client, "put_back")(args=(queue, ticket))


def put_aside(client: "redis.Redis", key: str, message: bytes, most: int) -> None:
    """Put a message that is no ticket into the list `key`, which keeps the newest `most`.

    Raises redis.RedisError.
    """
    load(client, "put_aside")(args=(key, message, most))


class JobQueue(Base):
    """The broker's queues: one pair of lists and one hash of held tickets a model.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, store: JobStore) -> None:
        super().__init__(store.redis)

    def add_tickets(self, model: str, count: int) -> None:
        """Put tickets in place of those that were lost."""
        for sent in range(0, count, _AT_ONCE):
            self._read(model, most_sent=min(_AT_ONCE, count - sent))

    def drop_surplus(self, model: str, limit: int = _AT_ONCE) -> int:
        """Drop up to `limit` tickets that no open job needs: no worker should start for them.

        Gives how many.
        """
        return self._read(model, most_dropped=min(limit, _AT_ONCE)).dropped

    def balance(self, model: str) -> Balance:
        """Open jobs and tickets, at one moment."""
        return self._read(model)

    def _read(self, model: str, *, most_dropped: int = 0, most_sent: int = 0) -> Balance:
        return Balance(*self._call("balance", model, most_dropped, most_sent))

    def running_unheld(self, model: str) -> list[str]:
        """The ids of running jobs whose tickets nobody holds."""
        running = cast(dict[str, str], self.redis.hgetall(names.running_key(model)))
        if not running:
            return []
        held = cast(list[str | None], self.redis.hmget(names.held_key(model), list(running)))
        return [job_id for job_id, ticket in zip(running.values(), held, strict=True) if ticket is None]

    def depth(self, model: str) -> Depth:
        """How much work waits, is held, and how long it has waited."""
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.llen(names.interactive_queue(model))
            pipe.llen(names.bulk_queue(model))
            pipe.hlen(names.held_key(model))
            pipe.zrange(names.singles_key(model), 0, 0)
            pipe.zrange(names.turns_key(model), 0, -1)
            pipe.zrange(names.owners_key(model), 0, _MOST_OWNERS - 1)
            interactive, bulk, held, singles, batches, owners = found = replies(pipe)
        if None in found:
            pass_over("queue", names.held_key(model), TypeError("a list, hash or set is something else"))
        of_owners = self._lines_of(model, [owner for owner in owners or () if owner])
        singles, batches = (singles or []) + of_owners[0], (batches or []) + of_owners[1]
        return Depth(interactive or 0, bulk or 0, held or 0, self._oldest_wait_s(singles, batches))

    def _lines_of(self, model: str, owners: Sequence[str]) -> tuple[list[str], list[str]]:
        """The first single job of each owner, and all their batches that wait."""
        if not owners:
            return [], []
        with self.redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.zrange(names.owned_singles_key(model, owner), 0, 0)
                pipe.zrange(names.owned_turns_key(model, owner), 0, _MOST_BATCHES - 1)
            found = replies(pipe)
        singles, batches = (chain.from_iterable(ids or () for ids in found[kind::2]) for kind in (0, 1))
        return [*singles], [*batches]

    def has_share(self, model: str, owner: str, most: int) -> bool:
        """True when an owner has less waiting than its share of `most` jobs: equal shares, and one to spare.

        Who has more than a thousand batches waiting has more than that, without a count.
        """
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.zcard(names.owners_key(model))
            pipe.zcard(names.owned_singles_key(model, owner))
            pipe.zrange(names.owned_turns_key(model, owner), 0, _MOST_BATCHES)
            owners, singles, batches = replies(pipe)
        if len(batches or ()) > _MOST_BATCHES:
            return False
        with self.redis.pipeline(transaction=False) as pipe:
            for batch_id in batches or ():
                pipe.zcard(names.batch_state_key(batch_id, JobState.QUEUED))
            waiting = sum(count or 0 for count in (singles, *replies(pipe)))
        return bool(waiting < most // ((owners or 0) + 1))

    def _oldest_wait_s(self, singles: list[str], batches: list[str]) -> float | None:
        """Over the first in each line; of more than a thousand batches, in those that were made first."""
        batches = nsmallest(_MOST_BATCHES, batches)  # An id begins with the time.
        with self.redis.pipeline(transaction=False) as pipe:
            for batch_id in batches:
                pipe.zrange(names.batch_state_key(batch_id, JobState.QUEUED), 0, 0)
            first = [*singles, *(job_id for ids in replies(pipe) for job_id in ids or ())]
            for job_id in first:
                pipe.hmget(names.job_key(job_id), "queued_at", "created_at")
            found = replies(pipe)
        waits = (_wait_s(job_id, times) for job_id, times in zip(first, found, strict=True))
        return max((max(0.0, wait_s) for wait_s in waits if wait_s is not None), default=None)


def _wait_s(job_id: str, times: Sequence[str | None] | None) -> float | None:
    """How long a job has waited, by when it was queued or else made; None when nothing says it."""

    def read() -> float | None:
        queued_at, created_at = times or (None, None)
        text = queued_at or created_at
        at = datetime.fromisoformat(text) if text else made_at(job_id)
        return (datetime.now(UTC) - at).total_seconds() if at else None

    return readable("job", names.job_key(job_id), read)
