"""The Celery app, and the queue as its two sides see it: put a job in, see how deep it is.

A message is a ticket: it says that there is one more job to do, and not which. The worker that takes it
asks the store for the next one (JobStore.take). So the lists are as long as the work, which is what an
autoscaler needs, and the order is not bound to them: batches share the workers, and any other ticket takes
the place of one that was lost.
Tasks are called by name, so whoever enqueues never imports the code that runs.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from celery import Celery
from kombu import Queue

from jobs.contract import names
from jobs.contract.models import Job, JobState
from jobs.contract.settings import Settings
from jobs.storage.broker import broker
from jobs.storage.store import JobStore

#: How often in the time of a lease the workers look for tickets whose lease ran out.
_SWEEPS_PER_LEASE = 4
#: Tickets that one sweep brings back at most.
_MOST_SLOTS = 1024
_BALANCE = Path(__file__).parent / "lua" / "balance.lua"
_COMMON = Path(__file__).parent / "lua" / "common.lua"


def create_celery(settings: Settings, model: str | None = None) -> Celery:
    """The Celery app; for a worker of `model`, with that model's queues and hash of held messages."""
    url, options = broker(settings.redis_url, settings.redis_timeout_s)
    app = Celery("eva01", broker=url)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        # A worker takes a message only for a free slot: what it cannot run now stays in the list, where
        # other workers and the autoscaler see it.
        worker_disable_prefetch=True,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=options | _transport_options(settings, model),
        task_create_missing_queues=True,
    )
    if model:
        app.conf.task_queues = [_queue(names.interactive_queue(model)), _queue(names.bulk_queue(model))]
    return app


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)


def _transport_options(settings: Settings, model: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        # What a worker holds is its own for so long; the worker renews that while it
        # lives (worker/broker/lease.py).
        "visibility_timeout": settings.lease_s,
        "unacked_restore_interval": settings.lease_s / _SWEEPS_PER_LEASE,
        "unacked_restore_throttle": 1,
        # All that a dead worker held comes back in one sweep.
        "unacked_restore_limit": _MOST_SLOTS,
        # A worker that dies in the middle of a sweep keeps the others from sweeping for so long.
        "unacked_mutex_expire": math.ceil(settings.lease_s / _SWEEPS_PER_LEASE),
        "socket_timeout": settings.redis_timeout_s,
        "socket_connect_timeout": settings.redis_timeout_s,
        # The first queue is emptied before the second is looked at: a person before a batch.
        "queue_order_strategy": "priority",
    }
    if model:
        options |= {
            "unacked_key": names.held_key(model),
            "unacked_index_key": names.held_index_key(model),
            "unacked_mutex_key": names.held_mutex_key(model),
        }
    return options


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


class JobQueue:
    """The broker's queues: one pair of lists and one hash of held tickets a model."""

    def __init__(self, celery: Celery, store: JobStore) -> None:
        self._celery = celery
        self._store = store
        self._balance = store.redis.register_script(_COMMON.read_text() + _BALANCE.read_text())

    def enqueue(self, job: Job) -> None:
        """Put a ticket for a queued job into its model's queue: in bulk for a batch's job, else interactive.

        Raises kombu.exceptions.OperationalError when Redis is away; the reconciler mends that later.
        """
        self._send(names.bulk_queue(job.model) if job.batch_id else names.interactive_queue(job.model))

    def add_tickets(self, model: str, count: int) -> None:
        """Put tickets in place of those that were lost."""
        for _ in range(count):
            self._send(names.bulk_queue(model))

    def _send(self, queue: str) -> None:
        self._celery.send_task(names.TASK_ANSWER, queue=queue, retry=False)

    def drop_surplus(self, model: str) -> int:
        """Drop the tickets that no open job needs, as after a cancel: no worker should start for them."""
        return self._read_balance(model, is_dropping=True).dropped

    def balance(self, model: str) -> Balance:
        """Open jobs and tickets, at one moment."""
        return self._read_balance(model, is_dropping=False)

    def _read_balance(self, model: str, *, is_dropping: bool) -> Balance:
        keys = [names.interactive_queue(model), names.bulk_queue(model), names.held_key(model)]
        return Balance(*cast(list[int], self._balance(keys=keys, args=[model, int(is_dropping)])))

    def depth(self, model: str) -> Depth:
        """How much work waits, is held, and how long it has waited."""
        with self._store.redis.pipeline(transaction=True) as pipe:
            pipe.llen(names.interactive_queue(model))
            pipe.llen(names.bulk_queue(model))
            pipe.hlen(names.held_key(model))
            pipe.zrange(names.singles_key(model), 0, 0)
            pipe.zrange(names.turns_key(model), 0, -1)
            interactive, bulk, held, single, batches = pipe.execute()
        return Depth(interactive, bulk, held, self._oldest_wait_s(single, batches))

    def _oldest_wait_s(self, single: list[str], batches: list[str]) -> float | None:
        """Over the first in each line."""
        with self._store.redis.pipeline(transaction=False) as pipe:
            for batch_id in batches:
                pipe.zrange(names.batch_state_key(batch_id, JobState.QUEUED), 0, 0)
            first = [*single, *(job_id for ids in pipe.execute() for job_id in ids)]
            for job_id in first:
                pipe.hmget(names.job_key(job_id), "queued_at", "created_at")
            times = [queued or created for queued, created in pipe.execute() if queued or created]
        now = datetime.now(UTC)
        waits = ((now - datetime.fromisoformat(text)).total_seconds() for text in times)
        return max((max(0.0, wait_s) for wait_s in waits), default=None)
