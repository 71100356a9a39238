"""What a response speaks of, so that it can be forgotten with that."""

from typing import NamedTuple, Self

from jobs.contract.models import Batch, Job


class Subject(NamedTuple):
    """A batch, a job, or a job in a batch; or nothing that can be deleted."""

    batch_id: str | None = None
    job_id: str | None = None

    @classmethod
    def of(cls, thing: Batch | Job) -> Self:
        """A batch, or a job with the batch that it is in."""
        return cls(batch_id=thing.id) if isinstance(thing, Batch) else cls(thing.batch_id, thing.id)
