"""The Celery app, and the queue as its two sides see it: put a job in, see how deep it is.

A message carries a job's id and nothing else. Tasks are called by name, so whoever enqueues
never imports the code that runs.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import redis
from celery import Celery
from kombu import Queue

from jobs import names
from jobs.models import Job
from jobs.settings import Settings
from jobs.store import JobStore

#: How often in the time of a lease the workers look for messages whose lease ran out.
_SWEEPS_PER_LEASE = 4


def create_celery(settings: Settings, model: str | None = None) -> Celery:
    """The Celery app; for a worker of `model`, with that model's queues and hash of held messages."""
    app = Celery("eva01", broker=settings.redis_url)
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
        broker_transport_options=_transport_options(settings, model),
        task_create_missing_queues=True,
    )
    if model:
        app.conf.task_queues = [_queue(names.interactive_queue(model)), _queue(names.bulk_queue(model))]
    return app


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)


def _transport_options(settings: Settings, model: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        # What a worker holds is its own for so long; the worker renews that while it lives (worker/lease.py).
        "visibility_timeout": settings.lease_s,
        "unacked_restore_interval": settings.lease_s / _SWEEPS_PER_LEASE,
        "unacked_restore_throttle": 1,
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


class JobQueue:
    """The broker's queues: one pair of lists and one hash of held messages a model."""

    def __init__(self, celery: Celery, store: JobStore) -> None:
        self._celery = celery
        self._store = store

    def enqueue(self, job: Job) -> None:
        """Put a job into its model's queue: a batch's job in bulk, any other as interactive.

        Raises kombu.exceptions.OperationalError when Redis is away; the job then has no `queued_at`.
        """
        queue = names.bulk_queue(job.model) if job.batch_id else names.interactive_queue(job.model)
        self._celery.send_task(names.TASK_ANSWER, args=[job.id], queue=queue, task_id=job.id, retry=False)
        self._store.mark_queued(job.id)

    def depth(self, model: str) -> Depth:
        """How much work waits, is held, and how long it has waited."""
        client = self._store.redis
        lists = (names.interactive_queue(model), names.bulk_queue(model))
        with client.pipeline(transaction=True) as pipe:
            for name in lists:
                pipe.llen(name)
            pipe.hlen(names.held_key(model))
            for name in lists:
                pipe.lindex(name, -1)  # kombu pushes on the left and takes from the right
            interactive, bulk, held, *oldest = pipe.execute()
        waits = [wait for text in oldest if text for wait in [self._wait_s(client, text)] if wait is not None]
        return Depth(interactive, bulk, held, max(waits, default=None))

    @staticmethod
    def _wait_s(client: "redis.Redis", message_text: str) -> float | None:
        message: Mapping[str, Any] = json.loads(message_text)
        job_id = message["headers"]["id"]
        since = cast(list[str | None], client.hmget(names.job_key(job_id), "queued_at", "created_at"))
        first = next((text for text in since if text), None)
        if first is None:
            return None
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(first)).total_seconds())
