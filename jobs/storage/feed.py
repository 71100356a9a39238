"""What happened in a batch: its jobs by their last change and by their files, and how many ended when.

All is kept by the scripts that change a job's state, in the same step (jobs/storage/lua/lib/batch.lua).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

from jobs.contract import names
from jobs.contract.errors import Unreadable
from jobs.contract.models import Batch, Job, JobState, Timeline
from jobs.storage.store import JobStore
from jobs.storage.store.results import Place, Results
from jobs.storage.unreadable import readable

#: Steps that a timeline has at most (jobs/storage/lua/lib/batch.lua).
_MOST_STEPS = 240
#: What the script finds: all jobs in the order of their last change.
_CHANGES = "changes"
#: Jobs whose state is asked for in one go.
_STEP = 1000
#: States in which a job has come to an end, as a timeline counts them.
_ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Changes(NamedTuple):
    """Jobs that have changed, each as it is now."""

    jobs: list[Job]
    #: Where to go on.
    cursor: int
    #: True when more may have changed already.
    is_more: bool


class BatchFeed(Results):
    """Reads changes and timelines; every method raises redis.RedisError when Redis is away."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store.redis)
        self._store = store

    def changed(
        self,
        batch_id: str,
        *,
        cursor: int = 0,
        limit: int = 100,
        state: JobState | None = None,
        looked_at: int = 5000,
    ) -> Changes:
        """Up to `limit` jobs that changed after `cursor`.

        A job changes when it is accepted, finished, or queued again, and is there once, at its last change;
        but twice, in two pages, while the jobs of a batch that was changed as a whole are still to be
        settled. With `state` those in another state are passed over. At most `looked_at` jobs are looked at,
        so there may be fewer than `limit`, or none, with more behind them.
        """
        found: list[Job] = []
        while True:
            # Of one state any number may be passed over, so a step is as long as it is without one.
            step = min(looked_at, _STEP if state else limit - len(found))
            places, is_pending = self._places(batch_id, _CHANGES, cursor, step)
            wanted = self._wanted(batch_id, places, state, is_pending=is_pending)
            taken = wanted[: limit - len(found)]
            jobs = self._read(batch_id, taken, is_pending=False)
            found += [job for job in jobs if state in (None, job.state)]
            is_cut = len(taken) < len(wanted)
            cursor = (taken if is_cut else places or [(cursor, "")])[-1][0]
            looked_at -= step
            is_more = is_cut or len(places) == step
            if not is_more or looked_at <= 0 or len(found) >= limit:
                return Changes(found, cursor, is_more)

    def _wanted(
        self, batch_id: str, places: Sequence[Place], state: JobState | None, *, is_pending: bool
    ) -> list[Place]:
        """Those of the places that are their job's last, and whose job is in `state`, if one is given."""
        latest = {job_id: number for number, job_id in places}
        once = [place for place in places if latest[place[1]] == place[0]]
        if is_pending:
            self._settle(batch_id, [job_id for _, job_id in once])
        if state is None:
            return once
        with self.redis.pipeline(transaction=False) as pipe:
            for _, job_id in once:
                pipe.hget(names.job_key(job_id), "state")
            states = cast(list[str | None], pipe.execute())
        return [place for place, now in zip(once, states, strict=True) if now == state]

    def jobs_of_files(self, batch_id: str, paths: Sequence[str]) -> list[Job | None]:
        """For each path the job of the first file that a batch had under it; None where there is none."""
        ids = cast(list[str | None], self.redis.hmget(names.batch_files_key(batch_id), list(paths)))
        found = {job.id: job for job in self._store.get_jobs([job_id for job_id in ids if job_id])}
        jobs = [found.get(job_id or "") for job_id in ids]
        return [None if job and job.sent_as else job for job in jobs]

    def refused_file(self, batch_id: str, path: str, sha256: str) -> Job | None:
        """The job of a refused file that was sent by itself under a path; None where there is none."""
        job_id = cast(str | None, self._call("refused_file", batch_id, path, sha256))
        return next(iter(self._store.get_jobs([job_id] if job_id else [])), None)

    def timeline(self, batch: Batch) -> Timeline:
        """How many jobs of a batch ended when, until now.

        Raises Unreadable.
        """
        key = names.batch_timeline_key(batch.id)
        record = cast(dict[str, str], self.redis.hgetall(key))
        timeline = readable("timeline", key, lambda: _timeline(record, batch))
        if timeline is None:
            raise Unreadable(f"the timeline of batch {batch.id}")
        return timeline


def _timeline(record: dict[str, str], batch: Batch) -> Timeline:
    start_s = float(record.get("start", batch.created_at.timestamp()))
    step_s = int(record.get("step_s", 1))
    ends = {tuple(field.split(":")): int(count) for field, count in record.items() if ":" in field}
    known = {(state, int(step)): count for (state, step), count in ends.items() if state in _ENDS}
    steps = 1 + max((step for _, step in known), default=-1)
    if steps > _MOST_STEPS:
        raise ValueError(f"{steps} steps")
    counted = {state.value: [known.get((state.value, step), 0) for step in range(steps)] for state in _ENDS}
    return Timeline(start=datetime.fromtimestamp(start_s, UTC), step_s=step_s, **counted)
