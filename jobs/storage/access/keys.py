"""API keys: the blob store has them all, Redis those that are asked for at every request.

    add, end     blob store ──► Redis
    find         Redis; what it has not is looked for in the blob store
    bring_back   Redis in step with the blob store, as after an hour without it

What a key is, is written once. What is said of its end lies beside it, each time in an object of its own: so
a rotation that runs beside a revocation takes nothing back.

A crash between the two leaves a key as it was until the next `bring_back`: whoever made or ended it had no
answer, and does it again.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar, cast

import redis

from jobs.contract import names
from jobs.contract.access.owners import PREFIX_CHARS, PREFIX_PATTERN, Key, KeyEnd, digest_of, prefix_of
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, Unreadable
from jobs.contract.models import new_id, utc_now
from jobs.storage.files.blobs import BlobStore
from jobs.storage.unreadable import readable

_Record = TypeVar("_Record", Key, KeyEnd)


class Keys:
    """Keeps keys; safe to use from many threads.

    Without a client only the blob store is read and written. Every method raises redis.RedisError when Redis
    is away, and Unavailable when the blob store is.
    """

    def __init__(self, client: "redis.Redis | None", blobs: BlobStore) -> None:
        self._client, self._blobs = client, blobs

    def add(self, key: Key) -> None:
        """Keep a key, then let Redis know of it; it takes the place of one of the same prefix."""
        self._blobs.put(names.key_path(key.prefix), key.model_dump_json().encode())
        self._tell(key)

    def find(self, text: str) -> Key | None:
        """The key whose text this is, also when it is over; None when there is none."""
        return self.with_digest(digest_of(text)) or self.recall(text)

    def with_digest(self, digest: str) -> Key | None:
        """The key of which this is kept in place of its text, as far as Redis knows it."""
        if self._client is None:
            return None
        text = cast(str | None, self._client.hget(names.KEYS, digest))
        return readable("key", names.KEYS, lambda: Key.model_validate_json(text)) if text else None

    def recall(self, text: str) -> Key | None:
        """The same as the blob store has it, without a look at Redis, which knows it from now on."""
        try:
            key = self.get(prefix_of(text))
        except (NotFound, Unreadable):
            return None
        if key.digest != digest_of(text):
            return None
        self._tell(key)
        return key

    def get(self, prefix: str) -> Key:
        """The key that begins so.

        Raises NotFound (`key_not_found`) and Unreadable.
        """
        # Checked first: it becomes a path.
        if re.fullmatch(PREFIX_PATTERN, prefix):
            try:
                return self._read(prefix)
            except NotFound:
                pass
        raise NotFound(
            f"There is no key of these first {PREFIX_CHARS} characters. Lists of keys show them.",
            code=Code.KEY_NOT_FOUND,
        )

    def all(self) -> list[Key]:
        """All keys that were ever made, the oldest first."""
        return sorted(self._kept(), key=lambda key: (key.created_at, key.prefix))

    def revoke(self, prefix: str) -> Key:
        """End a key; ending it twice changes nothing.

        Raises NotFound (`key_not_found`) and Unreadable.
        """
        key = self.get(prefix)
        if key.revoked_at is None:
            return self.end(prefix, KeyEnd(revoked_at=utc_now()))
        self._tell(key)
        return key

    def end(self, prefix: str, end: KeyEnd) -> Key:
        """Let a key end, or end earlier than it would have.

        Raises NotFound (`key_not_found`) and Unreadable.
        """
        self.get(prefix)
        self._blobs.create(
            names.key_end_path(prefix, new_id()), end.model_dump_json(exclude_none=True).encode()
        )
        key = self.get(prefix)
        self._tell(key)
        return key

    def any_known(self) -> bool:
        """True when Redis has a key."""
        return bool(self._redis.exists(names.KEYS))

    def any_kept(self) -> bool:
        """True when the blob store has a key."""
        return next(self._blobs.list(names.KEYS_FOLDER), None) is not None

    def note_login(self) -> None:
        """Note that callers have to say who they are, for a server that is started without that setting."""
        if not self.is_login_noted():
            self._blobs.put(names.LOGIN_PATH, b"{}")

    def is_login_kept(self) -> bool:
        """True when the blob store says that callers have to say who they are, by a key or by that note."""
        return self.any_kept() or self.is_login_noted()

    def is_login_noted(self) -> bool:
        """True when callers once had to say who they are, be there a key or not."""
        return self._blobs.has(names.LOGIN_PATH)

    def bring_back(self) -> None:
        """Let Redis know all keys as the blob store has them."""
        known = cast(dict[str, str], self._redis.hgetall(names.KEYS))
        for key in self._kept():
            if known.get(key.digest) != key.model_dump_json():
                self._tell(key)

    @property
    def _redis(self) -> "redis.Redis":
        if self._client is None:
            raise redis.ConnectionError("There is no Redis here.")
        return self._client

    def _tell(self, key: Key) -> None:
        """Let Redis know a key; again where it was changed meanwhile, so that none is valid once more."""
        if self._client is None:
            return
        told = None
        while key != told:
            # Forgotten first, as a full Redis can, too: what it has not is looked for in the blob store.
            self._client.hdel(names.KEYS, key.digest)
            with suppress(redis.exceptions.OutOfMemoryError):
                self._client.hset(names.KEYS, key.digest, key.model_dump_json())
            told, key = key, self.get(key.prefix)

    def _kept(self) -> Iterator[Key]:
        """All keys that can be read, each with its ends."""
        ends: dict[str, list[KeyEnd]] = {}
        records: dict[str, bytes] = {}
        for path, data in self._blobs.get_many(self._blobs.list(names.KEYS_FOLDER)):
            folder, _, name = path.rpartition("/")
            if folder == names.KEYS_FOLDER:
                records[f"{folder}/{name.removesuffix('.json')}"] = data
            elif end := _parsed(KeyEnd, path, data):
                ends.setdefault(folder, []).append(end)
        for place, data in records.items():
            if key := _parsed(Key, place, data):
                yield key.ended(ends.get(place, ()))

    def _read(self, prefix: str) -> Key:
        path = names.key_path(prefix)
        key = _parsed(Key, path, self._blobs.get(path))
        if key is None:
            raise Unreadable(path)
        of_ends = self._blobs.get_many(self._blobs.list(names.key_ends_folder(prefix)))
        parsed = (_parsed(KeyEnd, place, data) for place, data in of_ends)
        return key.ended(end for end in parsed if end)


def _parsed(kind: type[_Record], path: str, data: bytes) -> _Record | None:
    return readable("key", path, lambda: kind.model_validate_json(data))
