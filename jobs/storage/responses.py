"""Responses remembered under an `Idempotency-Key`, so that a request sent twice is done once.

What they speak of may be deleted: then nothing remains of them but that they were given
(jobs/storage/store/removals.py).
"""

from dataclasses import dataclass
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.subject import Subject
from jobs.storage.files.blobs import BlobStore
from jobs.storage.scripts import load
from jobs.storage.unreadable import replies

_RUNNING = "running"


@dataclass(frozen=True)
class Responses:
    """Remembers responses by a digest of their request; raises redis.RedisError when Redis is away."""

    _redis: "redis.Redis"
    _blobs: BlobStore

    def begin(self, digest: str, most_s: int) -> bool:
        """Note that a request is being answered, for `most_s` seconds if its server dies meanwhile.

        False when another one under the same digest is, or was.
        """
        return bool(self._redis.set(names.idempotency_key(digest), _RUNNING, nx=True, ex=most_s))

    def earlier(self, digest: str) -> str | None:
        """The response that was kept; None while the first request is still being answered."""
        kept = cast(str | None, self._redis.get(names.idempotency_key(digest)))
        return None if kept == _RUNNING else kept

    def keep(self, digest: str, response: str, keep_s: int, most_bytes: int, subject: Subject) -> None:
        """Remember a response for `keep_s` seconds; all together take no more than `most_bytes`.

        Those that were kept longest ago go first; one that is larger than that alone is forgotten.
        """
        args = (digest, response, keep_s, most_bytes, subject.batch_id or "")
        load(self._redis, "keep_response")(args=args)

    def forget(self, digest: str) -> None:
        """Let the same request be done again."""
        self._redis.delete(names.idempotency_key(digest))

    def is_gone(self, subject: Subject) -> bool:
        """True when what a response speaks of is deleted, be it that its parts are still there.

        Raises Unavailable when that is in the blob store, and it is away.
        """
        if subject.file is not None:
            return not self._blobs.has(subject.file)
        batch, job = names.batch_key(subject.batch_id or ""), names.job_key(subject.job_id or "")
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.exists(batch)
            pipe.hexists(batch, "removed_at")
            pipe.exists(job)
            has_batch, is_removed, has_job = replies(pipe)
        is_without_batch = subject.batch_id is not None and (not has_batch or bool(is_removed))
        return is_without_batch or (subject.job_id is not None and not has_job)
