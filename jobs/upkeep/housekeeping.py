"""Housekeeping: what nobody else would notice is looked after here, by one web process at a time.

    workers are gone?       ──► what they held waits again
    tickets were lost?      ──► they are replaced
    cancelled, or retried?  ──► what a mark on the batch says is written into each job
    Redis was started anew? ──► what it has forgotten comes back from the journal
    keys were ended?        ──► Redis hears of it, where nobody could tell it then
    deleted, or too old?    ──► its parts are removed, and images that nobody needs

Each of these may be done twice, or by two at once, and changes nothing then.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import date, timedelta
from functools import partial

import redis
from prometheus_client import Counter, Histogram

from jobs.contract.errors import Unavailable
from jobs.contract.refusals import Refusal
from jobs.contract.settings import Settings
from jobs.flow.settle import settle_all
from jobs.storage.stores import Stores
from jobs.storage.unreadable import pass_over
from jobs.upkeep.expiring import Expiring
from jobs.upkeep.lacks import lacks
from jobs.upkeep.reconciler import Reconciler
from jobs.upkeep.removal import Removal
from jobs.upkeep.restore import Restore, Restored
from jobs.upkeep.retention import Retention

_log = logging.getLogger(__name__)

#: A web process that falls silent for so many passes is no longer the one.
_SILENT_PASSES = 4

#: Seconds between two looks after keys.
_KEYS_S = 60.0

#: Seconds between two looks for what goes at a time of its own: nobody is given it after that time.
_EXPIRING_S = 3600.0

#: Seconds between two lines that say that something is to be restored.
_WANTING_S = 3600.0

#: Jobs that are settled before the turn is kept again: some 100 ms.
_SETTLED_A_TURN = 5000

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
    """A thread that looks after everything every `interval_s` seconds while it is this process's turn.

    `offered` are the models to look after besides those that ever had a worker; finished jobs are removed
    `retention_s` seconds after their last change, and what owners took after `usage_days` days; it ends when
    `stopping` is set.
    """

    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        *,
        offered: Sequence[str],
        retention_s: float,
        usage_days: int,
        interval_s: float,
        stopping: threading.Event,
    ) -> None:
        self._stores = stores
        self._offered = offered
        self._interval_s = interval_s
        self._stopping = stopping
        self._keys_are_due_s = 0.0
        self._expiring_is_due_s = 0.0
        self._usage_days = usage_days
        self._first_day: date | None = None
        self._turn = stores.housekeepers_turn(interval_s * _SILENT_PASSES)
        self._watch = stores.restart_watch()
        self._abandoned = stores.abandoned(settings)
        self._reconciler = Reconciler(stores.store, stores.queue)
        self._knowledge = stores.knowledge()
        self._wanting_is_due_s = 0.0
        self._restore = Restore(stores.store, stores.journal)
        self._removal = Removal(
            stores.store, stores.image_uses, stores.blobs, stores.journal, settings.settle_s
        )
        self._retention = Retention(stores.store, stores.journal, max(retention_s, settings.settle_s))
        self._expiring = Expiring(stores, retention_s, settings.settle_s)

    def start(self) -> None:
        """Begin; it ends with the process."""
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def _run(self) -> None:
        said = ""
        while not self._stopping.wait(self._interval_s):
            try:
                if self._turn.take():
                    self.keep_house()
                said = ""
            except (redis.RedisError, Unavailable) as error:
                if str(error) != said:
                    _log.warning("Housekeeping has to wait: %s", error)
                said = str(error)
                if isinstance(error, redis.exceptions.OutOfMemoryError):
                    self._make_room()
            except Exception:
                _log.exception("Housekeeping failed; it goes on.")
        self._turn.let_go()

    def _make_room(self) -> None:
        """Remove what was deleted or is too old, without a turn: in a full Redis nobody can take one."""
        try:
            self._retention.run_once()
            self._removal.run_once()
        except (redis.RedisError, Unavailable) as error:
            _log.debug("No room could be made: %s", error)

    def keep_house(self) -> None:
        """Look after everything once.

        Raises redis.RedisError or Unavailable when Redis or the blob store is away.
        """
        with RECONCILE_SECONDS.time():
            self._reconcile()
            self._step(self._bring_back)
            self._step(self._say_what_is_wanting)
            self._step(self._keep_keys_in_step)
        self._turn.take()
        steps = (self._settle, self._retention.run_once, self._expire, self._forget_old, self._remove)
        for step in steps:
            self._step(step)

    def _step(self, step: Callable[[], object]) -> None:
        """Take one step; the others are taken as well where it meets what cannot be read."""
        try:
            step()
        except redis.ResponseError as error:
            if Refusal.of(error):
                raise
            pass_over("housekeeping", "What housekeeping needs", error)

    def _reconcile(self) -> None:
        for model in self._stores.fleet.cards(self._offered):
            self._step(partial(self._stores.fleet.heal, model))
            self._step(partial(self._abandoned.give_back, model))
            self._step(partial(self._look_after, model))

    def _look_after(self, model: str) -> None:
        mended = self._reconciler.look(model)
        RECONCILED.labels("queued").inc(mended.taken_back)
        RECONCILED.labels("replaced").inc(mended.tickets)

    def _bring_back(self) -> None:
        """Restore what a Redis that was started anew has forgotten; one that was wiped is left to people."""
        since = self._watch.forgotten_since()
        if since or self._watch.is_blank():
            self._keys_are_due_s = 0.0
        if since:
            _log.warning("Redis was started anew: looking in the journal for what it has forgotten.")
            restored = Restored()
            for restored in self._restore.catch_up(since):  # noqa: B007 (what counts is the last)
                self._turn.take()
            RECONCILED.labels("restored").inc(restored.finished + restored.queued)
            _log.warning(
                "Restored %d batches, %d finished jobs and %d to be answered.", *astuple(restored)[:3]
            )
        if self._knowledge.is_open():
            self._look_into_the_journal()
        # Noted last: a Redis that nobody has looked at to the end must not pass for one that we know.
        self._watch.note()

    def _look_into_the_journal(self) -> None:
        """Find out whether Redis knows all that the journal has: until then no image is deleted."""
        claim = self._knowledge.begin_look()
        self._knowledge.end(claim, is_whole=not self._lacks_something())
        self._wanting_is_due_s = 0.0

    def _lacks_something(self) -> bool:
        for is_lacking in lacks(self._stores.store, self._stores.journal):
            self._turn.take()
            if is_lacking:
                return True
        return False

    def _say_what_is_wanting(self) -> None:
        if self._knowledge.is_wanting() and time.monotonic() >= self._wanting_is_due_s:
            _log.error(
                "The blob store has batches or jobs that Redis has lost, and no image is deleted until they"
                " are back. To bring them back: eva01 restore, to its end."
            )
            self._wanting_is_due_s = time.monotonic() + _WANTING_S

    def _keep_keys_in_step(self) -> None:
        """Let Redis know keys as the blob store has them, at once where it was started anew."""
        if time.monotonic() >= self._keys_are_due_s:
            self._stores.keys.bring_back()
            self._keys_are_due_s = time.monotonic() + _KEYS_S

    def _settle(self) -> None:
        """Settle what was cancelled or retried as a whole, to the end: workers wait for the tickets."""
        while settle_all(self._stores, _SETTLED_A_TURN) and not self._stopping.is_set():
            self._turn.take()

    def _expire(self) -> None:
        if time.monotonic() >= self._expiring_is_due_s:
            self._expiring.run_once()
            self._expiring_is_due_s = time.monotonic() + _EXPIRING_S

    def _forget_old(self) -> None:
        """Let go of what is over: usage, deletions, claims of dead uploads."""
        first = self._stores.ledger.today() - timedelta(self._usage_days)
        self._stores.ledger.forget_before(first)
        if first != self._first_day:
            self._stores.journal.forget_deleted(first)
            self._first_day = first
        self._stores.image_uses.drop_stale_claims()

    def _remove(self) -> None:
        self._turn.take()
        removed = self._removal.run_once()
        if any(astuple(removed)):
            _log.info("Removed %d batches, %d jobs and %d images.", *astuple(removed))
