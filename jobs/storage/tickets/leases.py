"""Leases on tickets: who holds one renews its lease; who is gone does not, and what it held goes back.

All times are those of Redis' own clock, so the clocks of machines may differ.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import redis

from jobs.contract.settings import Settings
from jobs.storage.scripts import load

#: The part of a lease for which nobody is taken for dead after Redis is well: all renew theirs first.
HOLDERS_FIRST = 0.5
#: Tickets that are given back in one step: Redis does nothing else meanwhile, for some milliseconds.
_AT_ONCE = 1000


@dataclass(frozen=True)
class Swept:
    """What was found of leases that had run out."""

    #: When that was, in Unix seconds of Redis' clock.
    at_s: float
    #: Tickets that went back to the front of their queues.
    returned: int
    #: What was held and is no ticket; it was put aside.
    unreadable: int


@dataclass(frozen=True)
class Leases:
    """The leases on the tickets of one model; every method raises redis.RedisError."""

    model: str
    #: How long one lasts, in seconds.
    lease_s: float
    #: How many messages that are no tickets are kept, and the bytes of each.
    most_unreadable: int
    most_bytes: int

    @classmethod
    def of(cls, model: str, settings: Settings) -> Self:
        """Those of a model, as the settings say."""
        return cls(model, settings.lease_s, settings.max_unreadable, settings.max_ticket_bytes)

    def hold(self, client: "redis.Redis", ticket: str, message: str) -> None:
        """Note that a ticket is held; `message` is what kombu keeps of it."""
        load(client, "hold")(args=(self.model, ticket, message))

    def renew(self, client: "redis.Redis", tickets: Collection[str]) -> None:
        """Renew the leases of tickets, but for those that are held no longer."""
        load(client, "renew")(args=(self.model, *tickets))

    def sweep(self, client: "redis.Redis", as_of_s: float | None = None) -> Swept:
        """Give back the tickets whose leases have run out; with `as_of_s` those that had at that time.

        A job that had begun for such a ticket is a suspect when the next worker takes it.
        """
        returned = unreadable = 0
        while True:
            found = self._sweep(client, as_of_s)
            returned, unreadable = returned + found.returned, unreadable + found.unreadable
            if found.returned + found.unreadable < _AT_ONCE:
                return Swept(found.at_s, returned, unreadable)

    def _sweep(self, client: "redis.Redis", as_of_s: float | None) -> Swept:
        as_of = "" if as_of_s is None else as_of_s
        kept = (self.most_unreadable, self.most_bytes)
        found = load(client, "sweep")(args=(self.model, self.lease_s, as_of, _AT_ONCE, *kept))
        at_s, returned, unreadable = found
        return Swept(float(at_s), returned, unreadable)
