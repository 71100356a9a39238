"""Housekeeping: what nobody else would notice is looked after here, by one web process at a time.

    tickets were lost?      ──► they are replaced
    Redis was started anew? ──► what it has forgotten comes back from the journal
    deleted, or too old?    ──► its parts are removed, and images that nobody needs

Each of these may be done twice, or by two at once, and changes nothing then.
"""

import logging
import threading
from dataclasses import astuple

import redis
from kombu.exceptions import OperationalError
from prometheus_client import Counter, Histogram
from redis.exceptions import LockError

from jobs import names
from jobs.errors import Unavailable
from jobs.reconciler import Reconciler
from jobs.restarts import RestartWatch
from jobs.restore import Restore, Restored
from web.asking import known_cards
from web.services import Services

_log = logging.getLogger(__name__)

#: A web process that falls silent for so many passes is no longer the one.
_SILENT_PASSES = 4

RECONCILED = Counter(
    "eva01_reconciled_jobs_total",
    "How many jobs were found that would have been lost: `restored` from the journal, `queued` again because"
    " nobody held their ticket; and how many tickets were `replaced`.",
    ["action"],
)
RECONCILE_SECONDS = Histogram(
    "eva01_reconcile_seconds",
    "How long a look after lost jobs took.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300),
)


class Housekeeping:
    """A thread that looks after everything every `interval_s` seconds while it holds the lock."""

    def __init__(self, services: Services, interval_s: float) -> None:
        self._services = services
        self._interval_s = interval_s
        # Acquired by this thread, let go by whichever ends the process: its token must not be of one thread.
        self._lock = services.store.redis.lock(
            names.HOUSEKEEPER, timeout=interval_s * _SILENT_PASSES, thread_local=False
        )
        self._watch = RestartWatch(services.store.redis)
        self._reconciler = Reconciler(services.store, services.queue)
        self._restore = Restore(services.store, services.queue, services.journal)

    def start(self) -> None:
        """Begin; it ends with the process."""
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def _run(self) -> None:
        while not self._services.stopping.wait(self._interval_s):
            try:
                if self._is_ours():
                    self.keep_house()
            except (redis.RedisError, OperationalError, Unavailable) as error:
                _log.warning("Housekeeping has to wait: %s", error)
            except Exception:
                _log.exception("Housekeeping failed; it goes on.")
        self._let_go()

    def _is_ours(self) -> bool:
        try:
            return self._lock.reacquire() if self._lock.owned() else self._lock.acquire(blocking=False)
        except LockError:
            return False

    def _let_go(self) -> None:
        try:
            self._lock.release()
        except (LockError, redis.RedisError):
            _log.debug("The housekeeping lock was another's, or expires by itself.")

    def keep_house(self) -> None:
        """Look after everything once.

        Raises redis.RedisError, OperationalError or Unavailable when Redis or the blob store is away.
        """
        with RECONCILE_SECONDS.time():
            self._reconcile()
            self._bring_back()
        self._is_ours()
        self._clean_up()

    def _reconcile(self) -> None:
        for model in known_cards(self._services):
            mended = self._reconciler.look(model)
            RECONCILED.labels("queued").inc(mended.taken_back)
            RECONCILED.labels("replaced").inc(mended.tickets)

    def _bring_back(self) -> None:
        """Restore what a Redis that was started anew has forgotten; one that is blank is left to people."""
        since = self._watch.forgotten_since()
        if since:
            _log.warning("Redis was started anew: looking in the journal for what it has forgotten.")
            restored = Restored()
            for restored in self._restore.run(since):  # noqa: B007 (what counts is the last)
                self._is_ours()
            RECONCILED.labels("restored").inc(restored.finished + restored.queued)
            _log.warning(
                "Restored %d batches, %d finished jobs and %d to be answered.", *astuple(restored)[:3]
            )
        elif self._watch.is_blank() and next(iter(self._services.journal.batches()), None):
            _log.error("Redis is empty, and the blob store has batches. To bring them back: eva01 restore.")
        self._watch.note()

    def _clean_up(self) -> None:
        self._services.retention.run_once()
        self._services.image_uses.drop_stale_claims()
        self._is_ours()
        removed = self._services.removal.run_once()
        if any(astuple(removed)):
            _log.info("Removed %d batches, %d jobs and %d images.", *astuple(removed))
