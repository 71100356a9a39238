"""Whose a job or a batch is, told in the same time whether it is there or not."""

from typing import cast

from jobs.storage.store.base import Base


class Ownership(Base):
    """Tells owners; every method raises redis.RedisError when Redis is away."""

    def of_batch(self, batch_id: str) -> str | None:
        """The owner of a batch; None when it has none, is gone, or cannot be read."""
        return cast(str | None, self._call("owner_of", "batch", batch_id))

    def of_job(self, job_id: str) -> str | None:
        """The owner of a job, which is that of its batch if it has one; None as above."""
        return cast(str | None, self._call("owner_of", "job", job_id))
