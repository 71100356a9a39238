"""What is removed for good: jobs, and batches that were marked as removed."""

import json
from collections.abc import Sequence
from typing import cast

from jobs.contract import names
from jobs.contract.models import ID_PATTERN, JobState
from jobs.contract.subject import Subject
from jobs.storage.store.base import Base
from jobs.storage.unreadable import shaped

#: Kept responses that are emptied in one step.
_EMPTIED_AT_ONCE = 500


class Removals(Base):
    """Finds what is to be removed, and removes it."""

    def removals(self) -> list[str]:
        """The batches that are marked as removed, the one that was marked first in front."""
        found = cast(list[str], self.redis.zrange(names.REMOVALS, 0, -1))
        return shaped("removal", names.REMOVALS, ID_PATTERN, found)

    def last_change_s(self, batch_id: str) -> float:
        """When a batch was marked as removed or last changed, whichever is later, in Unix seconds."""
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.zscore(names.REMOVALS, batch_id)
            pipe.zscore(names.BATCHES, batch_id)
            return max(float(score or 0) for score in pipe.execute())

    def old_batches(self, before_s: float, skip: int, limit: int) -> list[str]:
        """Batches without a change since `before_s` (Unix seconds): the oldest behind the first `skip`."""
        return self._old(names.BATCHES, before_s, skip, limit)

    def old_single_jobs(self, before_s: float, skip: int, limit: int) -> list[str]:
        """The same of jobs without a batch."""
        return self._old(names.SINGLE_JOBS, before_s, skip, limit)

    def _old(self, index: str, before_s: float, skip: int, limit: int) -> list[str]:
        found = self.redis.zrangebyscore(index, "-inf", f"({before_s}", start=skip, num=limit)
        return cast(list[str], found)

    def remove_job(self, job_id: str, *, only_finished: bool = False) -> bool:
        """Remove a job and what refers to it; an image that nothing else needs is noted as unused.

        False when it is not there, or with `only_finished` because it runs again.
        """
        return bool(self._call("remove", self._clock(), int(only_finished), job_id))

    def remove_jobs(self, batch_id: str, limit: int) -> int:
        """Remove up to `limit` jobs of a batch; gives how many there were, 0 when none is left."""
        index = names.batch_jobs_key(batch_id)
        job_ids = cast(list[str], self.redis.zrange(index, 0, limit - 1))
        if job_ids:
            self._remove(index, job_ids)
        return len(job_ids)

    def _remove(self, index: str, job_ids: Sequence[str]) -> None:
        with self.redis.pipeline(transaction=False) as pipe:
            self._call("remove", self._clock(), 0, *job_ids, client=pipe)
            pipe.zrem(index, *job_ids)
            pipe.execute()

    def empty_responses(self, batch_id: str) -> None:
        """Let nothing remain of kept responses that speak of a deleted batch but that they were given."""
        remains = json.dumps({"subject": Subject(batch_id=batch_id)})
        while self._call("empty_responses", batch_id, _EMPTIED_AT_ONCE, remains):
            pass

    def remove_batch(self, batch_id: str) -> None:
        """Remove what is left of a batch whose jobs are removed, and that it is to be removed."""
        batch = names.batch_key(batch_id)
        model, owner = cast(list[str | None], self.redis.hmget(batch, "model", "owner"))
        keys = [names.batch_jobs_key(batch_id), names.batch_files_key(batch_id)]
        keys += [names.batch_namesakes_key(batch_id), names.batch_reading_key(batch_id)]
        keys += [names.batch_finishes_key(batch_id), names.batch_changes_key(batch_id)]
        keys += [names.batch_timeline_key(batch_id), names.batch_refused_key(batch_id)]
        keys += [names.batch_state_key(batch_id, state) for state in JobState]
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(batch, *keys)
            for index in (names.BATCHES, names.REMOVALS, names.UNSETTLED):
                pipe.zrem(index, batch_id)
            if model:
                pipe.zrem(names.turns_key(model), batch_id)
            if owner:
                pipe.zrem(names.owner_batches_key(owner), batch_id)
            if model and owner:
                pipe.zrem(names.owned_turns_key(model, owner), batch_id)
            pipe.execute()
