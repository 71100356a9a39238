"""Who needs an image: jobs, and uploads under way. What nobody needs may be deleted.

    upload    claim ──► put, unless it is there ──► create the job ──► release
    deletion  begin, if nothing uses it ──► delete ──► end

A claim comes before the look whether the image is there, and while an image is being deleted nobody claims
it. So no job is made for an image that is deleted a moment later.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import ID_PATTERN, SHA256_PATTERN, new_id
from jobs.storage.store.base import Base
from jobs.storage.unreadable import pass_over, readable, shaped

logger = logging.getLogger(__name__)

#: Seconds for which images are a deleter's own: more than the slowest call of the blob store takes, all its
#: tries together. A deleter that dies leaves the images noted as unused, so that the next one deletes them.
_DELETER_S = 60
#: Seconds after which a claim's server is taken for dead: more than any upload of one file takes.
_LONGEST_UPLOAD_S = 3600.0
#: An upload under way, as it is listed.
_CLAIM_PATTERN = f"{SHA256_PATTERN[1:-1]}/claim:{ID_PATTERN[1:-1]}"
#: Stale claims that are given up in one go.
_CHUNK = 1000
#: How many users of an owner to look at for the media type; must exceed concurrent claims, which have none.
_USERS = 64
#: Seconds between two tries to claim an image that is being deleted.
_LOOK_S = 0.05


@dataclass(frozen=True)
class Kind:
    """What an image was found to be."""

    media_type: str
    #: How many pages it has; None where its format has none, or nobody has counted.
    pages: int | None = None


class ImageUses(Base):
    """Claims on images, and the deletion of those that nothing uses; safe to use from many threads.

    `clock` gives the time now in Unix seconds. An upload waits up to `patience_s` seconds for a deletion to
    end. Every method raises redis.RedisError when Redis is away.
    """

    def __init__(
        self, client: "redis.Redis", clock: Callable[[], float] = time.time, patience_s: float = 10.0
    ) -> None:
        super().__init__(client, clock)
        self._patience_s = patience_s
        self._deleter = new_id()

    # Uploads

    @contextmanager
    def using(self, *sha256s: str) -> Iterator[None]:
        """Keep images from being deleted until a job uses them.

        Raises Unavailable while one is being deleted.
        """
        claim = self.claim(*sha256s)
        try:
            yield
        finally:
            try:
                self.release(claim, *sha256s)
            except redis.RedisError as error:
                # What was done under it is done; the claim is given up later.
                logger.warning("The claim on image %s could not be released: %s", sha256s[0], error)

    def claim(self, *sha256s: str) -> str:
        """Note that an upload needs some images, and wait while any is being deleted; gives the claim.

        Raises Unavailable when that takes too long.
        """
        claim = f"claim:{new_id()}"
        deadline_s = time.monotonic() + self._patience_s
        while refused := self._call("claim_images", claim, self._clock(), _DELETER_S, *sha256s):
            if time.monotonic() >= deadline_s:
                self.release(claim, *sha256s)
                raise Unavailable(
                    f"An older copy of image {refused[0]} is being deleted. Send it again in a moment.",
                    code=Code.IMAGE_BEING_DELETED,
                )
            time.sleep(_LOOK_S)
        return claim

    def release(self, claim: str, *sha256s: str) -> None:
        """Give up a claim; an image that nothing else needs is noted as unused."""
        self._call("release_images", claim, self._clock(), *sha256s)

    def kind(self, sha256: str, owners: Collection[str | None]) -> Kind | None:
        """What an image was found to be by a job of one of `owners` that needs it; None without one."""
        jobs = self._call("kinds", sha256, _USERS, *(owner or "" for owner in owners))
        key = names.image_uses_key(sha256)
        said = (readable("job", key, partial(_kind_of, sha256, *job)) for job in jobs)
        # A job of version 0.1.0 or of several images does not say how many pages there are; others do.
        return max((kind for kind in said if kind), key=lambda kind: bool(kind.pages), default=None)

    def drop_stale_claims(self) -> int:
        """Give up the claims of uploads whose server died; gives how many."""
        before_s = self._clock() - _LONGEST_UPLOAD_S
        found = self.redis.zrangebyscore(names.IMAGE_CLAIMS, "-inf", before_s, start=0, num=_CHUNK)
        stale = shaped("claim", names.IMAGE_CLAIMS, _CLAIM_PATTERN, cast(list[str], found))
        for entry in stale:
            sha256, _, claim = entry.partition("/")
            self.release(claim, sha256)
            logger.warning("Image %s: its upload died; the claim is given up.", sha256)
        return len(stale)

    # Deletion

    def begin_deletion(self, limit: int) -> list[str]:
        """Take up to `limit` images that nothing uses; gives their hashes, which nobody can claim for now.

        They are to be deleted at once, and `end_deletion` called.
        """
        others, taken = self._call("begin_deletion", limit, self._deleter, _DELETER_S)
        if others:
            pass_over("image", names.UNUSED_IMAGES, ValueError(f"{others} members are no hashes"))
        return cast(list[str], taken)

    def end_deletion(self, sha256s: Sequence[str], *, is_deleted: bool = True) -> int:
        """Let images be claimed again; those that are not deleted stay noted as unused.

        Gives how many were still ours: fewer than given when this took so long that we were taken for dead.
        """
        return cast(int, self._call("end_deletion", self._deleter, int(is_deleted), *sha256s))


def _kind_of(sha256: str, types: str, pages: str | None, images: str | None) -> Kind | None:
    """What a job says of one of its images; None where it does not."""
    all_types, all_images = types.split(","), images.split(",") if images else [sha256]
    place = all_images.index(sha256)
    if place >= len(all_types) or not all_types[place]:
        return None
    return Kind(all_types[place], int(pages) if pages and len(all_images) == 1 else None)
