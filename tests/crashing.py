"""Clients that raise Crashed before one of their calls: to test the state that a crash leaves behind."""

import redis

from jobs.storage.files.blobs import BlobStore


class Crashed(BaseException):
    """Raised in place of a call, as if the process had been killed before it."""


class Countdown:
    """Lets `calls` calls pass, and raises Crashed at the next."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crashed


class CrashingRedis(redis.Redis):
    """A client that crashes before one of its calls."""

    countdown = Countdown(1_000_000)

    def execute_command(self, *args, **options):
        self.countdown.step()
        return super().execute_command(*args, **options)

    def pipeline(self, *args, **options):
        self.countdown.step()
        return super().pipeline(*args, **options)


class CrashingBlobs(BlobStore):
    """A blob store that crashes before one of its deletions."""

    countdown = Countdown(1_000_000)

    def delete(self, paths):
        for path in paths:
            self.countdown.step()
            super().delete([path])
