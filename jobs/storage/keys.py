"""API keys: the blob store has them all, Redis those that are asked for at every request.

    add, revoke    blob store ──► Redis
    find           Redis; what it has forgotten comes back from the blob store

A crash between the two leaves a key that does not open anything yet, or one that still does: whoever made or
revoked it had no answer, and does it again.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound
from jobs.contract.models import utc_now
from jobs.contract.owners import Key, digest_of
from jobs.storage.blobs import BlobStore
from jobs.storage.unreadable import readable

#: Seconds between two looks into the blob store for keys that Redis does not know: a wrong key costs no more.
_LOOK_S = 1.0


class Keys:
    """Keeps keys; safe to use from many threads.

    Every method raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
    """

    def __init__(self, client: "redis.Redis", blobs: BlobStore) -> None:
        self._redis, self._blobs = client, blobs
        self._lock = threading.Lock()
        self._looked_s = -_LOOK_S

    def add(self, key: Key) -> None:
        """Keep a key: from now on it is known; one of the same prefix is replaced."""
        text = key.model_dump_json()
        self._blobs.put(names.key_path(key.prefix), text.encode())
        self._redis.hset(names.KEYS, key.digest, text)

    def find(self, text: str) -> Key | None:
        """The key whose text this is, also when it is over; None when there is none."""
        return self.with_digest(digest_of(text))

    def with_digest(self, digest: str) -> Key | None:
        """The same by what is kept of its text."""
        return self._known(digest) or (self._known(digest) if self.bring_back_sometimes() else None)

    def get(self, prefix: str) -> Key:
        """The key that begins so.

        Raises NotFound (`key_not_found`).
        """
        try:
            return Key.model_validate_json(self._blobs.get(names.key_path(prefix)))
        except NotFound as error:
            raise NotFound(f"There is no key {prefix}.", code=Code.KEY_NOT_FOUND) from error

    def all(self) -> list[Key]:
        """All keys that were ever made, the oldest first."""
        return sorted(self._kept(), key=lambda key: (key.created_at, key.prefix))

    def revoke(self, prefix: str) -> Key:
        """End a key; ending it twice changes nothing.

        Raises NotFound (`key_not_found`).
        """
        key = self.get(prefix)
        if key.revoked_at is None:
            key = key.model_copy(update={"revoked_at": utc_now()})
        self.add(key)
        return key

    def any_known(self) -> bool:
        """True when Redis has a key."""
        return bool(self._redis.exists(names.KEYS))

    def any_kept(self) -> bool:
        """True when the blob store has a key."""
        return next(self._blobs.list(names.KEYS_FOLDER), None) is not None

    def bring_back(self) -> None:
        """Bring into Redis the keys that only the blob store has."""
        for key in self._kept():
            # What Redis has is as new at least: a revoked key must not come back.
            self._redis.hsetnx(names.KEYS, key.digest, key.model_dump_json())

    def bring_back_sometimes(self) -> bool:
        """The same, at most once a second; True when that was done now."""
        with self._lock:
            if time.monotonic() - self._looked_s < _LOOK_S:
                return False
            self._looked_s = time.monotonic()
        self.bring_back()
        return True

    def _known(self, digest: str) -> Key | None:
        text = cast(str | None, self._redis.hget(names.KEYS, digest))
        return readable("key", names.KEYS, lambda: Key.model_validate(json.loads(text))) if text else None

    def _kept(self) -> Iterator[Key]:
        for path in self._blobs.list(names.KEYS_FOLDER):
            data = self._blobs.get(path)
            if key := readable("key", path, lambda data=data: Key.model_validate_json(data)):  # type: ignore[misc]
                yield key
