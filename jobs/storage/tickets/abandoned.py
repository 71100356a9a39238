"""What dead workers held is given back also where no worker is left that would do it.

The autoscaler keeps a place for whoever holds a ticket: a fleet that died as a whole would be wanted
for ever.

After Redis was away, or refused, all leases have run out, and those who live need a moment to renew theirs.
So only those count that had run out at a look half a lease ago, when Redis took writes, and were not renewed
since.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from jobs.contract import names
from jobs.contract.settings import Settings
from jobs.storage.connection.client import check_writes
from jobs.storage.tickets.leases import HOLDERS_FIRST, Leases
from jobs.storage.unreadable import pass_over

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Look:
    """When it was, by the clock of Redis, and when the next one is due, by ours."""

    at_s: float = 0.0
    next_s: float = 0.0


class Abandoned:
    """Looks after the leases of all models; to be called regularly, by one process at a time.

    `clock` gives seconds that only grow.
    """

    def __init__(
        self, client: "redis.Redis", settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._looks: dict[str, _Look] = {}

    def give_back(self, model: str) -> int:
        """Give back a model's tickets that nobody holds any more; gives how many, none where Redis refuses.

        Raises redis.RedisError when Redis is away.
        """
        look = self._looks.pop(model, _Look())
        if not self._takes_writes():
            return 0
        returned = 0
        if self._clock() >= look.next_s:
            leases = Leases.of(model, self._settings)
            found = leases.sweep(self._client, look.at_s)
            look = _Look(found.at_s, self._clock() + leases.lease_s * HOLDERS_FIRST)
            returned = found.returned
            if found.unreadable:
                pass_over("queue", names.held_key(model), ValueError())
        self._looks[model] = look
        if returned:
            logger.warning("%s: whoever held %d tickets is gone; they wait again.", model, returned)
        return returned

    def _takes_writes(self) -> bool:
        """False where Redis refuses, which others say; what frees memory goes on."""
        try:
            check_writes(self._client)
        except redis.ResponseError:
            return False
        return True
