"""Accept files and questions: what is asked becomes jobs.

    claim the images ──► put them ──► record and ticket, in one step ──► journal ──► let go

The claim comes first, so that no image is deleted as unused between its bytes and its job. Work begins with
the record. The journal comes last, once for all files of a request, and before the request is answered:
what was answered is kept even if Redis is lost.

A crash leaves, before the record, an image without a job, which is removed when its claim has run out; and
after it, jobs that the journal does not know. They are answered, and lost only if Redis is lost as well;
whoever sent them had no answer and sends them again, and a file that the batch has makes no second job.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jobs.contract.access.owners import Quotas
from jobs.contract.errors import QuotaExceeded, Unavailable
from jobs.contract.metrics import count_jobs
from jobs.contract.models import Batch, Job, JobState
from jobs.storage.store.jobs import ITSELF, Source
from jobs.storage.stores import Stores


class Accepting:
    """The jobs that one request brings into a batch."""

    def __init__(self, stores: Stores, batch: Batch, quotas: Quotas | None = None) -> None:
        self._stores, self._quotas = stores, quotas
        self.batch = batch
        self._manifest = stores.journal.manifest(batch.id)

    def add(self, jobs: Sequence[Job], source: Source = ITSELF) -> list[tuple[Job, bool]]:
        """Make jobs whose images are claimed and in the blob store; gives each as it is now, and True if new.

        A file that the batch has already gives its earlier job; another file of the same path is called
        otherwise. A refused file is a failed job from the start; where the same file is taken later, from the
        same `source`, that job is queued. Where a zip was refused, the first file taken of it gets that job.
        Raises NotFound, Conflict for a batch that takes no more files, and QuotaExceeded where a quota is
        used up before all are made.
        """
        try:
            made = self._stores.store.create_jobs(jobs, source=source, quotas=self._quotas)
        except QuotaExceeded as error:
            self._count(error.made)
            raise
        self._count(made)
        return made

    def _count(self, made: Sequence[tuple[Job, bool]]) -> None:
        new = Counter((job.model, job.state) for job, is_new in made if is_new)
        for (model, state), count in new.items():
            count_jobs(model, state, count)
        self.keep([job for job, _ in made])

    def keep(self, jobs: Sequence[Job]) -> None:
        """Note jobs that the batch has already with this request: an earlier one may not have come so far."""
        self._manifest.add(jobs)

    def note(self) -> None:
        """Note all jobs of the request in the journal, in the order they came."""
        self._manifest.put()


@contextmanager
def accepting(stores: Stores, batch: Batch, quotas: Quotas | None = None) -> Iterator[Accepting]:
    """Accept files into a batch as far as `quotas` reach.

    At the end of the `with`, however it ends, they are noted in the journal.
    """
    request = Accepting(stores, batch, quotas)
    try:
        yield request
    finally:
        request.note()


def accept_single(stores: Stores, job: Job, quotas: Quotas | None = None) -> Job:
    """Make a job without a batch, whose image is claimed and in the blob store.

    Raises QuotaExceeded; and Unavailable, and the job is gone again, when it cannot be noted in the journal:
    whoever sends it again makes another.
    """
    stores.store.create_jobs([job], quotas=quotas)
    try:
        stores.journal.note_jobs(None, [job])
    except Unavailable:
        stores.store.remove_job(job.id)
        stores.queue.drop_surplus(job.model, 1)
        raise
    count_jobs(job.model, JobState.QUEUED)
    return job
