"""Clients whose process dies before one of their calls: to see what a crash leaves behind."""

import redis

from jobs.storage.blobs import BlobStore


class Crashed(BaseException):
    """The process is dead."""


class Fate:
    """Lets so many calls pass."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crashed


class MortalRedis(redis.Redis):
    """A client whose process dies before one of its calls."""

    fate = Fate(1_000_000)

    def execute_command(self, *args, **options):
        self.fate.step()
        return super().execute_command(*args, **options)

    def pipeline(self, *args, **options):
        self.fate.step()
        return super().pipeline(*args, **options)


class MortalBlobs(BlobStore):
    """A blob store whose process dies before one of its deletions."""

    fate = Fate(1_000_000)

    def delete(self, paths):
        for path in paths:
            self.fate.step()
            super().delete([path])
