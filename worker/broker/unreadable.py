"""What came as a message and is no ticket: put aside for people to look at, counted, said now and then."""

import logging

import redis

from jobs.contract import names
from jobs.contract.seldom import PAUSE_S, Seldom
from jobs.storage.tickets.queue import put_aside
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)


class Unreadable:
    """A model's messages that are no tickets: the newest `most`, of each the first `most_bytes` bytes."""

    def __init__(self, model: str, metrics: ModelMetrics, *, most: int, most_bytes: int) -> None:
        self._key = names.unreadable_key(model)
        self._metrics = metrics
        self._most = most
        self._seldom = Seldom()
        #: Bytes that a ticket may have.
        self.most_bytes = most_bytes

    def put(self, client: "redis.Redis", message: bytes, why: str) -> None:
        """Put one aside. A Redis that refuses even that loses it, since nobody can read it.

        Raises redis.RedisError when Redis is away.
        """
        self.note(why)
        try:
            put_aside(client, self._key, message[: self.most_bytes], self._most)
        except redis.ResponseError as error:
            logger.warning("%s takes no message: %s", self._key, error)

    def note(self, why: str, count: int = 1) -> None:
        """Count what was met and put aside, and say it now and then."""
        self._metrics.count_unreadable(count)
        if count and self._seldom.is_due(self._key):
            logger.error(
                "A message is no ticket (%s): it is put into %s, and work goes on. Further ones are counted,"
                " and not said for %d s.",
                why,
                self._key,
                PAUSE_S,
            )
