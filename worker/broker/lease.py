"""The lease on what a worker holds: renewed while it lives, run out when it is gone.

What a worker holds is noted with the time, and goes back to the front of its queue when that is longer ago
than a lease (jobs/storage/tickets/leases.py). A job may take longer than anybody wants to wait for a dead
worker; so a lease is short, and each worker renews what it holds every few seconds.
"""

from typing import Any

import redis
from celery import bootsteps

from worker.broker.channel import RETRY_S
from worker.broker.in_hand import InHand
from worker.ops.metrics import ModelMetrics

#: A lease is renewed this many times before it would run out, so a late renewal costs nothing.
RENEWALS = 4


class Lease(bootsteps.StartStopStep):
    """Renews the lease on this worker's messages.

    It runs in Celery's event loop, which keeps turning while slots work. Losing Redis ends it with the
    connection, and the next connection starts it again, also for what slots have from the one before.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(
        self, consumer: Any, lease_s: float, in_hand: InHand, metrics: ModelMetrics, **options: Any
    ) -> None:
        self._lease_s = lease_s
        self._in_hand = in_hand
        self._metrics = metrics
        self._timers: list[Any] = []
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Called when the queue is listened to."""
        channel = consumer.task_consumer.channel
        repeatedly = consumer.timer.call_repeatedly
        self._timers = [
            repeatedly(self._lease_s / RENEWALS, self._renew, (channel,)),
            repeatedly(RETRY_S, self._try_again, (channel,)),
        ]
        # Redis may have been away, and whoever was back first may soon take this worker for dead.
        self._renew(channel)

    def stop(self, consumer: Any) -> None:
        """Called when the connection is lost or closed."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _renew(self, channel: Any) -> None:
        """Renew what is still held; what was acknowledged meanwhile is not added again."""
        tags = [*{*channel.qos.held(), *self._in_hand.numbers()}]
        if not tags:
            return
        try:
            with channel.conn_or_acquire() as client:
                channel.leases.renew(client, tags)
        except redis.ResponseError as error:
            self._metrics.count_renewal("failed")
            channel.qos.refuse(error)
        except redis.RedisError:
            self._metrics.count_renewal("failed")
            raise
        else:
            self._metrics.count_renewal("renewed")

    def _try_again(self, channel: Any) -> None:
        """Do what Redis has refused or missed; once done, leases first: others may take us for dead."""
        if channel.qos.try_again():
            self._renew(channel)
