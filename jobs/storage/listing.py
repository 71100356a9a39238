"""All batches, the latest change first, a page at a time; found by a part of their name or question."""

from collections.abc import Iterator
from typing import cast

from jobs.contract import names
from jobs.contract.models import Batch
from jobs.storage.store import JobStore
from jobs.storage.unreadable import replies

#: Batches looked at in one go.
_CHUNK = 200
#: A place in the list: the time of a batch's last change in Unix seconds, and its id.
CURSOR_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,9})?/[0-9a-f]{32}$"


class BatchList:
    """Lists batches; every method raises redis.RedisError when Redis is away."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._redis = store.redis

    def page(
        self, *, search: str = "", cursor: str | None = None, limit: int = 50, looked_at: int = 5000
    ) -> tuple[list[Batch], str | None]:
        """Up to `limit` batches whose name or question holds `search`, in upper or lower case; and a cursor.

        `cursor` is that of the page before, and matches CURSOR_PATTERN. The new one is None at the end;
        before it a page may be short, or empty, because at most `looked_at` batches are looked at. One that
        changes meanwhile moves to the front, where those who go on miss it.
        """
        found: list[str] = []
        place = None
        for count, (place, text) in enumerate(self._behind(cursor), 1):
            if text is not None and search.strip().casefold() in text.casefold():
                found.append(_id_of(place))
            if len(found) == limit or count == looked_at:
                break
        else:
            place = None
        return self._store.get_batches(found), place

    def _behind(self, cursor: str | None) -> Iterator[tuple[str, str | None]]:
        """The places behind `cursor`, each with its batch's name and question, or None when it is removed."""
        rank = self._rank(cursor) if cursor else 0
        while rows := self._redis.zrevrange(names.BATCHES, rank, rank + _CHUNK - 1, withscores=True):
            places = [
                f"{changed_s:.6f}/{batch_id}" for batch_id, changed_s in cast(list[tuple[str, float]], rows)
            ]
            yield from zip(places, self._texts(places), strict=True)
            rank += _CHUNK

    def _rank(self, cursor: str) -> int:
        """How many batches are before those that come after `cursor`."""
        changed_s, _, batch_id = cursor.partition("/")
        rank = cast(int | None, self._redis.zrevrank(names.BATCHES, batch_id))
        newer = self._redis.zcount(names.BATCHES, f"({changed_s}", "+inf")
        # One that has changed since, or is gone, says no more where it was: its time does.
        return newer if rank is None or rank < newer else rank + 1

    def _texts(self, places: list[str]) -> list[str | None]:
        with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.hmget(names.batch_key(_id_of(place)), "name", "question", "removed_at", "model")
            return [_text(*fields) if fields else None for fields in replies(pipe)]


def _text(name: str | None, question: str | None, removed_at: str | None, model: str | None) -> str | None:
    """What a search looks through; None for a batch that is removed."""
    return None if removed_at or not model else f"{name or ''}\n{question or ''}"


def _id_of(place: str) -> str:
    return place.partition("/")[2]
