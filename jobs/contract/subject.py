"""What a response speaks of, so that it can be forgotten with that."""

from typing import NamedTuple, Self

from jobs.contract import names
from jobs.contract.asking.order import SentFile
from jobs.contract.models import Batch, Job


class Subject(NamedTuple):
    """A batch, a job, a job in a batch, or a file of requests; or nothing that can be deleted."""

    batch_id: str | None = None
    job_id: str | None = None
    #: The path in the blob store of what is known of the file.
    file: str | None = None

    @classmethod
    def of(cls, thing: Batch | Job | SentFile) -> Self:
        """A batch, a job with the batch that it is in, or a file."""
        if isinstance(thing, SentFile):
            return cls(file=names.sent_path(thing.owner, thing.id))
        return cls(batch_id=thing.id) if isinstance(thing, Batch) else cls(thing.batch_id, thing.id)
