"""The Celery app of a worker: where its tickets come from, and how it holds them.

Tasks are called by name, so whoever sends a ticket never imports the code that runs.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu import Queue

from jobs.contract import names
from jobs.contract.settings import Settings
from jobs.storage.tickets.leases import Leases
from worker.broker.address import broker
from worker.broker.in_hand import InHand
from worker.broker.unreadable import Unreadable
from worker.ops.trouble import Trouble

#: How often in the time of a lease the workers look for tickets whose lease ran out.
_SWEEPS_PER_LEASE = 4


def create_celery(
    settings: Settings,
    model: str,
    trouble: Trouble,
    unreadable: Unreadable,
    in_hand: InHand,
    may_take: Callable[[], bool] = lambda: True,
) -> Celery:
    """The app of a worker of `model`, with that model's queues and hash of held messages.

    It takes no ticket while it may not.
    """
    url, options = broker(settings.redis_url, settings.redis_timeout_s)
    leases = Leases.of(model, settings)
    ours = {"trouble": trouble, "unreadable": unreadable, "leases": leases, "in_hand": in_hand}
    ours |= {"may_take": may_take}
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
        broker_transport_options=options | _transport_options(settings, model) | ours,
        task_create_missing_queues=True,
    )
    app.conf.task_queues = [_queue(names.interactive_queue(model)), _queue(names.bulk_queue(model))]
    return app


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)


def _transport_options(settings: Settings, model: str) -> dict[str, Any]:
    return {
        # What a worker holds is its own for so long; the worker renews that while it
        # lives (worker/broker/lease.py).
        "visibility_timeout": settings.lease_s,
        "unacked_restore_interval": settings.lease_s / _SWEEPS_PER_LEASE,
        # The first queue is emptied before the second is looked at: a person before a batch.
        "queue_order_strategy": "priority",
        "unacked_key": names.held_key(model),
        "unacked_index_key": names.held_index_key(model),
    }
