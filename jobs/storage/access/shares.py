"""Links to batches: the journal has them all, Redis those that are asked for at every request.

    add, revoke      journal ──► Redis
    forget a batch   journal ──► Redis, after its jobs
    restore          what Redis lacks comes back; what was revoked stays so

A crash between the two leaves a link that nobody was told of, or one that still opens its batch: whoever
revoked it had no answer, and does it again.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.access.owners import digest_of
from jobs.contract.access.shares import FLEETING_SHARE, Share, ShareState
from jobs.contract.chunks import chunks
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, NotFound
from jobs.contract.models import SHA256_PATTERN, utc_now
from jobs.storage.files.journal import Journal
from jobs.storage.store import JobStore
from jobs.storage.unreadable import readable, replies, shaped

logger = logging.getLogger(__name__)

#: Fields of a link in Redis: its record, and when it was last used.
_RECORD, _USED_AT = "record", "used_at"
#: Links that are brought back at a time.
_CHUNK = 500


class Shares:
    """Keeps links; safe to use from many threads.

    Every method raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
    """

    def __init__(self, store: JobStore, journal: Journal) -> None:
        self._redis, self._journal = store.redis, journal

    def add(self, share: Share, most: int) -> None:
        """Keep a link; those of its batch that are over are forgotten where there would be more than `most`.

        Raises Conflict (`too_many_shares`) when so many of them work.
        """
        now, kept = utc_now(), self.of_batch(share.batch_id)
        over = [one for one in kept if one.state(now) is not ShareState.WORKS]
        if len(kept) - len(over) >= most:
            raise Conflict(
                f"The batch has {len(kept) - len(over):,} links that work; the limit is {most:,}"
                " (EVA01_MAX_SHARES). Revoke one that is not needed.",
                code=Code.TOO_MANY_SHARES,
            )
        surplus = max(0, len(kept) - most + 1)
        self._forget(share.batch_id, over[len(over) - surplus :])
        self._keep(share)

    def find(self, token: str) -> Share | None:
        """The link whose token this is, also when it is over; None when there is none."""
        return self._read([digest_of(token)])[0]

    def of_batch(self, batch_id: str) -> list[Share]:
        """All links to a batch, the latest first."""
        digests = cast(set[str], self._redis.smembers(names.batch_shares_key(batch_id)))
        found = [share for share in self._read(sorted(digests)) if share]
        return sorted(found, key=lambda share: share.id, reverse=True)

    def revoke(self, batch_id: str, share_id: str) -> Share:
        """End a link to a batch; ending it twice changes nothing.

        Raises NotFound (`share_not_found`).
        """
        for share in self.of_batch(batch_id):
            if share.id == share_id:
                return self._revoke(share, utc_now())
        raise NotFound(f"The batch has no link {share_id}.", code=Code.SHARE_NOT_FOUND)

    def revoke_all(self, batch_id: str) -> int:
        """End all links to a batch that still work; gives how many did."""
        now = utc_now()
        working = [share for share in self.of_batch(batch_id) if share.state(now) is ShareState.WORKS]
        for share in working:
            self._revoke(share, now)
        return len(working)

    def note_use(self, share: Share) -> None:
        """Note in which hour a link is used; it may be used as well where Redis refuses to note that."""
        hour = utc_now().replace(minute=0, second=0, microsecond=0)
        if share.last_used_at is not None and share.last_used_at >= hour:
            return
        try:
            self._redis.hset(names.share_key(share.digest), _USED_AT, hour.isoformat())
        except redis.RedisError as error:
            logger.debug("The use of a link is not noted: %s", error)

    def forget_batch(self, batch_id: str) -> None:
        """Forget all links to a batch."""
        key = names.batch_shares_key(batch_id)
        found = readable("share", key, lambda: cast(set[str], self._redis.smembers(key))) or ()
        digests = shaped("share", key, SHA256_PATTERN, found)
        self._journal.forget_shares(digests)
        self._redis.delete(key, *map(names.share_key, digests))

    def bring_back(self) -> Iterator[int]:
        """Bring into Redis what only the journal has, some at a time; gives how many links were looked at."""
        for shares in chunks(self._journal.shares(), _CHUNK):
            with self._redis.pipeline(transaction=False) as pipe:
                for share in shares:
                    # What Redis has is as new at least; that a link was revoked is final, and not forgotten.
                    put = pipe.hset if share.revoked_at else pipe.hsetnx
                    put(names.share_key(share.digest), _RECORD, _as_text(share))
                    pipe.sadd(names.batch_shares_key(share.batch_id), share.digest)
                pipe.execute()
            yield len(shares)

    def _revoke(self, share: Share, now: datetime) -> Share:
        if share.revoked_at is None:
            share = share.model_copy(update={"revoked_at": now})
        self._keep(share)
        return share

    def _keep(self, share: Share) -> None:
        self._journal.note_share(share)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(names.share_key(share.digest), _RECORD, _as_text(share))
            pipe.sadd(names.batch_shares_key(share.batch_id), share.digest)
            pipe.execute()

    def _forget(self, batch_id: str, shares: Iterable[Share]) -> None:
        digests = [share.digest for share in shares]
        if digests:
            self._journal.forget_shares(digests)
            self._redis.srem(names.batch_shares_key(batch_id), *digests)
            self._redis.delete(*map(names.share_key, digests))

    def _read(self, digests: Iterable[str]) -> list[Share | None]:
        keys = [names.share_key(digest) for digest in digests]
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, _RECORD, _USED_AT)
            found = replies(pipe)
        return [_share(key, *(reply or (None, None))) for key, reply in zip(keys, found, strict=True)]


def _share(key: str, record: str | None, used_at: str | None) -> Share | None:
    if record is None:
        return None

    def read() -> Share:
        used = {"last_used_at": datetime.fromisoformat(used_at)} if used_at else {}
        return Share.model_validate_json(record).model_copy(update=used)

    return readable("share", key, read)


def _as_text(share: Share) -> str:
    return share.model_dump_json(exclude_none=True, exclude=FLEETING_SHARE)
