"""Batches of some owners or all, the latest change first, a page at a time; found by name or question."""

from collections.abc import Collection, Iterator
from heapq import merge
from itertools import dropwhile, islice
from typing import NamedTuple, cast

from jobs.contract import names
from jobs.contract.models import Batch
from jobs.storage.store import JobStore
from jobs.storage.unreadable import replies

#: Batches looked at in one go.
_CHUNK = 200
#: A place in the list: the time of a batch's last change in Unix seconds, and its id.
CURSOR_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,9})?/[0-9a-f]{32}$"


class _Place(NamedTuple):
    changed_s: float
    batch_id: str

    @classmethod
    def read(cls, cursor: str) -> "_Place":
        changed_s, _, batch_id = cursor.partition("/")
        return cls(float(changed_s), batch_id)

    def __str__(self) -> str:
        return f"{self.changed_s:.9f}/{self.batch_id}"


class BatchList:
    """Lists batches; every method raises redis.RedisError when Redis is away."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._redis = store.redis

    def page(
        self,
        *,
        owners: Collection[str | None] | None = None,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        looked_at: int = 5000,
    ) -> tuple[list[Batch], str | None]:
        """Up to `limit` batches whose name or question holds `search`, in upper or lower case; and a cursor.

        With `owners` those of others are left out; None among them stands for nobody in particular.
        `cursor` is that of the page before, and matches CURSOR_PATTERN. The new one is None at the end;
        before it a page may be short, or empty, because at most `looked_at` batches are looked at. One that
        changes meanwhile moves to the front, where those who go on miss it.
        """
        found: list[str] = []
        place: _Place | None = None
        for count, (place, text) in enumerate(self._behind(cursor, owners), 1):
            if text is not None and search.strip().casefold() in text.casefold():
                found.append(place.batch_id)
            if len(found) == limit or count == looked_at:
                break
        else:
            place = None
        return self._store.get_batches(found), place and str(place)

    def cursor_of(self, batch_id: str) -> str | None:
        """The cursor of what comes behind a batch as the list is now; None where it is not in it."""
        changed_s = self._redis.zscore(names.BATCHES, batch_id)
        return None if changed_s is None else str(_Place(changed_s, batch_id))

    def _behind(
        self, cursor: str | None, owners: Collection[str | None] | None
    ) -> Iterator[tuple[_Place, str | None]]:
        """The places behind `cursor`, each with its batch's name and question; None for what is not shown."""
        # Those of nobody have no index of their own: they are found among all.
        of_all = owners is None or None in owners
        indexes = (
            [names.BATCHES] if of_all else [names.owner_batches_key(str(owner)) for owner in owners or ()]
        )
        after, chunk = _Place.read(cursor) if cursor else None, max(1, _CHUNK // max(1, len(indexes)))
        places = merge(*(self._index_behind(index, after, chunk) for index in indexes), reverse=True)
        while some := [*islice(places, _CHUNK)]:
            yield from zip(some, self._texts(some, owners), strict=True)

    def _index_behind(self, index: str, after: _Place | None, chunk: int) -> Iterator[_Place]:
        places = self._from(index, self._rank(index, after) if after else 0, chunk)
        # Of those that changed at the same moment, some are before it.
        return dropwhile(lambda place: after is not None and place >= after, places)

    def _from(self, index: str, rank: int, chunk: int) -> Iterator[_Place]:
        while rows := self._redis.zrevrange(index, rank, rank + chunk - 1, withscores=True):
            for batch_id, changed_s in cast(list[tuple[str, float]], rows):
                yield _Place(changed_s, batch_id)
            rank += chunk

    def _rank(self, index: str, after: _Place) -> int:
        """How many batches of an index are surely before those that come after a place."""
        rank = cast(int | None, self._redis.zrevrank(index, after.batch_id))
        newer = self._redis.zcount(index, f"({after.changed_s!r}", "+inf")
        # One that has changed since, or is gone, says no more where it was: its time does.
        return newer if rank is None or rank < newer else rank + 1

    def _texts(self, places: list[_Place], owners: Collection[str | None] | None) -> list[str | None]:
        with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.hmget(
                    names.batch_key(place.batch_id), "owner", "name", "question", "removed_at", "model"
                )
            found = replies(pipe)
        return [
            _text(*fields) if fields and (owners is None or owner in owners) else None
            for owner, *fields in (fields or [None] for fields in found)
        ]


def _text(name: str | None, question: str | None, removed_at: str | None, model: str | None) -> str | None:
    """What a search looks through; None for a batch that is removed."""
    return None if removed_at or not model else f"{name or ''}\n{question or ''}"
