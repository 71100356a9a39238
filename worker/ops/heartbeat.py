"""Tells the fleet that this worker is alive, and notices when Redis is away or refuses."""

import logging
import threading

import redis

from jobs.contract.catalog import ModelCard
from jobs.storage.fleet import Fleet
from worker.status import Status

logger = logging.getLogger(__name__)

#: The part of a worker that this is, to its `Trouble`.
_PART = "heartbeat"


class Heartbeat:
    """A thread that describes the worker to the fleet every `interval_s`; `of_late_s` as in `Fleet.beat`."""

    def __init__(
        self, fleet: Fleet, card: ModelCard, status: Status, interval_s: float, of_late_s: float
    ) -> None:
        self._fleet = fleet
        self._card = card
        self._status = status
        self._interval_s = interval_s
        self._of_late_s = of_late_s
        self._beat_now = threading.Event()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def beat_now(self) -> None:
        """Tell the fleet of a change without waiting for the next beat."""
        self._beat_now.set()

    def leave(self) -> None:
        """Stop beating, and take the worker off the fleet's list; when Redis is away, it expires there."""
        self._is_ending.set()
        self._beat_now.set()
        self._thread.join()
        try:
            self._fleet.leave(self._status.worker_id, self._status.model)
        except redis.RedisError:
            logger.warning("The fleet could not be told that this worker has left: it will notice by itself.")

    def _run(self) -> None:
        while not self._is_ending.is_set():
            self._beat()
            self._beat_now.wait(self._interval_s)
            self._beat_now.clear()

    def _beat(self) -> None:
        try:
            info = self._status.info()
            card = self._card.model_copy(update={"max_pixels": info.max_pixels})
            self._fleet.beat(info, card, self._interval_s, self._of_late_s)
        except redis.RedisError as error:
            self._status.trouble.meet(_PART, error)
        else:
            self._status.trouble.get_over(_PART)
