"""What is nobody's becomes an owner's: batches with all their jobs, and jobs without a batch."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from jobs.contract import names
from jobs.storage.store.base import Base

#: Batches or jobs whose ids are read in one go.
_IDS = 500


class AdoptedJobs(NamedTuple):
    """What one step has done with a batch."""

    #: True when the batch was nobody's until now.
    is_new: bool
    #: Jobs whose images and answers are their owner's now, and which count.
    jobs: int
    is_more: bool


class Adoptions(Base):
    """Finds what is nobody's, and makes it an owner's; doing that twice changes nothing."""

    def batch_ids(self) -> Iterator[str]:
        """All batches, in no order; one may be there twice."""
        return self._members(names.BATCHES)

    def single_ids(self) -> Iterator[str]:
        """All jobs without a batch, in no order; one may be there twice."""
        return self._members(names.SINGLE_JOBS)

    def _members(self, index: str) -> Iterator[str]:
        return (member for member, _ in self.redis.zscan_iter(index, count=_IDS))

    def adopt_batch(self, batch_id: str, owner: str, limit: int) -> AdoptedJobs:
        """Make a batch of nobody an owner's at once, and images, answers and usage of up to `limit` jobs."""
        is_new, jobs, is_more = self._call("adopt_batch", batch_id, owner, limit, self._clock())
        return AdoptedJobs(bool(is_new), jobs, bool(is_more))

    def adopt_jobs(self, job_ids: Sequence[str], owner: str) -> int:
        """Make those of the jobs that have neither a batch nor an owner the owner's; gives how many."""
        return cast(int, self._call("adopt_jobs", owner, *job_ids))
