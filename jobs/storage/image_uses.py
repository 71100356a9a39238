"""Who needs an image: jobs, and uploads under way. What nobody needs may be deleted.

    upload    claim ──► put, unless it is there ──► create the job ──► release
    deletion  begin, if nothing uses it ──► delete ──► end

A claim comes before the look whether the image is there, and while an image is being deleted nobody claims
it. So no job is made for an image that is deleted a moment later.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import new_id

logger = logging.getLogger(__name__)

_LUA = Path(__file__).parent / "lua"
#: Seconds for which images are a deleter's own: more than the slowest call of the blob store takes, all its
#: tries together. A deleter that dies leaves the images noted as unused, so that the next one deletes them.
_DELETER_S = 60
#: Seconds after which a claim's server is taken for dead: more than any upload of one file takes.
_LONGEST_UPLOAD_S = 3600.0
#: Stale claims that are given up in one go.
_CHUNK = 1000
#: Users of an image that are asked what it is: more than uploads of it, which do not know.
_USERS = 64
#: Seconds between two tries to claim an image that is being deleted.
_LOOK_S = 0.05


class ImageUses:
    """Claims on images, and the deletion of those that nothing uses; safe to use from many threads.

    `clock` gives the time now in Unix seconds. An upload waits up to `patience_s` seconds for a deletion to
    end. Every method raises redis.RedisError when Redis is away.
    """

    def __init__(
        self, client: "redis.Redis", clock: Callable[[], float] = time.time, patience_s: float = 10.0
    ) -> None:
        self._redis = client
        self._clock = clock
        self._patience_s = patience_s
        self._deleter = new_id()
        common = (_LUA / "common.lua").read_text()
        self._claim, self._release, self._begin, self._end = (
            client.register_script(common + (_LUA / f"{name}.lua").read_text())
            for name in ("claim_image", "release_image", "begin_deletion", "end_deletion")
        )

    # Uploads

    @contextmanager
    def using(self, sha256: str) -> Iterator[None]:
        """Keep an image from being deleted until a job uses it.

        Raises Unavailable while it is being deleted.
        """
        claim = self.claim(sha256)
        try:
            yield
        finally:
            try:
                self.release(sha256, claim)
            except redis.RedisError as error:
                # What was done under it is done; the claim is given up later.
                logger.warning("The claim on image %s could not be released: %s", sha256, error)

    def claim(self, sha256: str) -> str:
        """Note that an upload needs an image, and wait while it is being deleted; gives the claim.

        Raises Unavailable when that takes too long.
        """
        claim = f"claim:{new_id()}"
        deadline_s = time.monotonic() + self._patience_s
        while not self._claim(args=[sha256, claim, self._clock()]):
            if time.monotonic() >= deadline_s:
                raise Unavailable(
                    f"An older copy of image {sha256} is being deleted. Send it again in a moment.",
                    code=Code.IMAGE_BEING_DELETED,
                )
            time.sleep(_LOOK_S)
        return claim

    def release(self, sha256: str, claim: str) -> None:
        """Give up a claim; an image that nothing else needs is noted as unused."""
        self._release(args=[sha256, claim, self._clock()])

    def media_type(self, sha256: str) -> str | None:
        """What an image was found to be by one of the jobs that need it; None when there is none."""
        users = self._redis.srandmember(names.image_uses_key(sha256), _USERS)
        with self._redis.pipeline(transaction=False) as pipe:
            for user in cast(list[str], users):
                pipe.hget(names.job_key(user), "media_type")
            return next(filter(None, pipe.execute()), None)

    def drop_stale_claims(self) -> int:
        """Give up the claims of uploads whose server died; gives how many."""
        before_s = self._clock() - _LONGEST_UPLOAD_S
        stale = self._redis.zrangebyscore(names.IMAGE_CLAIMS, "-inf", before_s, start=0, num=_CHUNK)
        for entry in cast(list[str], stale):
            sha256, _, claim = entry.partition("/")
            self.release(sha256, claim)
            logger.warning("Image %s: its upload died; the claim is given up.", sha256)
        return len(cast(list[str], stale))

    # Deletion

    def begin_deletion(self, limit: int) -> list[str]:
        """Take up to `limit` images that nothing uses; gives their hashes, which nobody can claim for now.

        They are to be deleted at once, and `end_deletion` called.
        """
        return cast(list[str], self._begin(args=[limit, self._deleter, _DELETER_S]))

    def end_deletion(self, sha256s: Sequence[str], *, is_deleted: bool = True) -> int:
        """Let images be claimed again; those that are not deleted stay noted as unused.

        Gives how many were still ours: fewer than given when this took so long that we were taken for dead.
        """
        return cast(int, self._end(args=[self._deleter, int(is_deleted), *sha256s]))
