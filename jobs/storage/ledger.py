"""What owners have taken: open jobs now, and what their jobs amount to by day.

It is counted by the scripts that change jobs (jobs/storage/lua/lib/usage.lua).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import partial
from typing import cast

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.sums import Sums
from jobs.storage.store.base import Base
from jobs.storage.store.quotas import as_json, exceeded
from jobs.storage.unreadable import readable, replies

_FIRST_DAY = date(1970, 1, 1).toordinal()
_US = 1_000_000
#: Days that are read in one go.
_CHUNK = 50


@dataclass(frozen=True)
class Taken(Sums):
    """What an owner's jobs amount to that came on a day, or on several."""

    #: Images, of a job about several all of them, or pages that are jobs of their own; refused files as well.
    taken: int = 0
    #: Those of them that are answered, have failed (refused files as well), and were cancelled.
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    #: Tokens of the answers, and microseconds of the device; answers from earlier jobs cost nothing.
    output_tokens: int = 0
    device_us: int = 0

    @property
    def open(self) -> int:
        """Those that have no end yet."""
        return self.taken - self.succeeded - self.failed - self.cancelled

    @property
    def device_s(self) -> float:
        """Seconds of the device."""
        return self.device_us / _US


@dataclass(frozen=True)
class OwnersDay:
    """What one owner has taken on one day (UTC)."""

    day: date
    owner: str
    taken: Taken


class Ledger(Base):
    """Tells and checks what owners have taken; every method raises redis.RedisError when Redis is away."""

    def check_quotas(self, owner: str | None, quotas: Quotas) -> None:
        """Raises QuotaExceeded when one more job of an owner, who has come now, would pass a quota."""
        limits = as_json(quotas)
        if owner is None or limits == "{}":
            return
        now_s = self._clock()
        if passed := self._call("check_quotas", owner, limits, now_s):
            raise exceeded(quotas, passed, now_s)

    def today(self) -> date:
        """The day now in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).date()

    def open_jobs(self) -> dict[str, int]:
        """How many jobs without an end each owner has now; those who have none are left out."""
        found = cast(dict[str, str], self.redis.hgetall(names.OPEN_JOBS))
        counts = {
            owner: readable("usage", names.OPEN_JOBS, partial(int, count))
            for owner, count in sorted(found.items())
        }
        return {owner: count for owner, count in counts.items() if count}

    def days(self, first: date, last: date, owners: Collection[str] | None = None) -> Iterator[OwnersDay]:
        """What was taken from one day to another, the latest day first, by owners; None for all of them."""
        first_number, last_number = _number(first), _number(last)
        found = cast(
            list[str], self.redis.zrange(names.USAGE_DAYS, last_number, first_number, desc=True, byscore=True)
        )
        for start in range(0, len(found), _CHUNK):
            days = found[start : start + _CHUNK]
            with self.redis.pipeline(transaction=False) as pipe:
                for day in days:
                    pipe.hgetall(names.usage_key(day))
                records = replies(pipe)
            for day, record in zip(days, records, strict=True):
                rows = readable("usage", names.usage_key(day), partial(_rows, day, record)) or ()
                yield from (row for row in rows if owners is None or row.owner in owners)

    def forget_before(self, day: date) -> int:
        """Forget all that was taken before a day; gives how many days that were."""
        old = cast(list[str], self.redis.zrangebyscore(names.USAGE_DAYS, "-inf", f"({_number(day)}"))
        for one in old:
            with self.redis.pipeline(transaction=True) as pipe:
                pipe.delete(names.usage_key(one))
                pipe.zrem(names.USAGE_DAYS, one)
                pipe.execute()
        return len(old)


def _number(day: date) -> int:
    return day.toordinal() - _FIRST_DAY


def _rows(number: str, record: dict[str, str]) -> list[OwnersDay]:
    """A day's record by owners, in their order.

    Raises ValueError for what cannot be read.
    """
    sums: dict[str, dict[str, int]] = {}
    for field, value in record.items():
        owner, _, what = field.rpartition(":")
        sums.setdefault(owner, {})[what] = int(value)
    day = date.fromordinal(int(number) + _FIRST_DAY)
    return [OwnersDay(day, owner, _taken(sums[owner])) for owner in sorted(sums)]


def _taken(sums: dict[str, int]) -> Taken:
    known = {field.name for field in fields(Taken)}
    return Taken(**{what: value for what, value in sums.items() if what in known})
