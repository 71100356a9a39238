"""Verbs on all jobs of a batch: every reader sees their effect from that step on.

That holds however late the jobs are settled, and whatever else happens meanwhile.
"""

import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from jobs.contract import names
from jobs.contract.models import (
    Batch,
    BatchState,
    FinishReason,
    Job,
    JobError,
    JobState,
    Result,
    Usage,
)
from jobs.storage.feed import BatchFeed
from jobs.storage.store import JobStore
from jobs.storage.store.batches import Cancelled, Retried
from jobs.storage.tickets.queue import JobQueue

pytestmark = pytest.mark.redis

SHA = "ab" * 32
FAILURE = Result(error=JobError(code="engine_failed", message="no"))
#: JSON that was cut: there is no answer, and why it ended is known.
CUT = Result(
    error=JobError(code="incomplete_answer", message="It was cut."),
    reasoning="It is red.",
    finish_reason=FinishReason.LENGTH,
    usage=Usage(output_tokens=4),
)
REFUSAL = JobError(code="not_an_image", message="none")
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = JobState


@pytest.fixture
def batch(store) -> Batch:
    return store.create_batch(Batch(model="nano", question="q"))


def jobs_of(batch: Batch, count: int, first: int = 0) -> list[Job]:
    asked = {"batch_id": batch.id, "question": "q", "model": "nano", "images": (SHA,)}
    return [Job.model_validate({"file": f"{n}.png", **asked}) for n in range(first, first + count)]


def refused_of(batch: Batch, file: str) -> Job:
    asked = {"batch_id": batch.id, "file": file, "question": "q", "model": "nano"}
    ended = {
        "state": FAILED,
        "is_refused": True,
        "error": REFUSAL,
        "refused_sha256": SHA,
        "finished_at": datetime.now(UTC),
    }
    return Job.model_validate(asked | ended)


def fail_all(store: JobStore, jobs: list[Job]) -> None:
    for job in jobs:
        store.finish(job.id, FAILURE)


def counts_of(store: JobStore, batch: Batch) -> Counter[JobState]:
    return +Counter(store.get_batch(batch.id).counts)


def listed(store: JobStore, batch: Batch, state: JobState | None) -> list[str]:
    """The files of a state's jobs, page by page."""
    files: list[str] = []
    cursor: int | None = 0
    while cursor is not None:
        page, cursor = store.page(batch.id, cursor=cursor, limit=7, state=state)
        files += [job.file for job in page]
    return files


# Cancel


def test_a_cancel_is_one_step_and_true_before_any_job_is_settled(store, batch, redis_client):
    jobs = jobs_of(batch, 50)
    store.create_jobs(jobs)
    running = [store.take("nano", f"ticket {n}").job for n in range(3)]
    store.finish(running[0].id, Result(answer="yes"))
    assert store.cancel_batch(batch.id) == Cancelled(queued=47, running=2)
    assert counts_of(store, batch) == {SUCCEEDED: 1, CANCELLED: 49}
    assert store.get_batch(batch.id).is_done
    assert redis_client.hget(names.job_key(jobs[9].id), "state") == "queued", "nobody has touched it yet"
    assert store.take("nano", "another ticket") is None
    assert not store.finish(running[1].id, Result(answer="late"))
    assert store.cancelled([job.id for job in running]) == {job.id for job in running[1:]}
    cancelled = store.get_job(jobs[9].id)
    assert (cancelled.state, cancelled.finished_at is None) == (CANCELLED, False)
    assert listed(store, batch, CANCELLED) == [job.file for job in jobs if job.id != running[0].id]
    assert listed(store, batch, QUEUED) == listed(store, batch, RUNNING) == []


def test_an_export_shows_what_is_cancelled_before_any_job_is_settled(store, batch):
    jobs = jobs_of(batch, 30)
    store.create_jobs(jobs)
    store.finish(store.take("nano", "ticket").job.id, Result(answer="yes"))
    store.cancel_batch(batch.id)
    cancelled = [row["file"] for row in store.rows(batch.id, CANCELLED)]
    assert cancelled == [job.file for job in jobs[1:]]
    assert Counter(row["state"] for row in store.rows(batch.id)) == {SUCCEEDED: 1, CANCELLED: 29}


def test_settling_ends_and_changes_no_count(store, batch, redis_client):
    store.create_jobs(jobs_of(batch, 50))
    store.take("nano", "ticket")
    store.cancel_batch(batch.id)
    steps = []
    while step := store.settle_some(batch.id, 20):
        steps.append(step)
        assert counts_of(store, batch) == {CANCELLED: 50}
    assert sum(steps) == 50
    assert store.unsettled_batches() == []
    assert redis_client.zcard(names.batch_state_key(batch.id, CANCELLED)) == 50
    assert not redis_client.exists(names.running_key("nano"))
    assert list(redis_client.scan_iter("*pending*")) == []


#: What may stand where the sets are named that are to be settled.
NO_SETS = (
    *("", "x", "{", "7", "null", "[]", "[1]", "[null]", '{"a":1}', "[" * 50_000, '[{"set":"9"}]'),
    *(
        '[{"set":"9","steps":[]}]',
        '[{"set":"9","steps":[7]}]',
        '[{"set":"9","steps":"x"}]',
        '[{"set":[],"steps":[]}]',
    ),
    *('[{"set":"9","steps":[{"to":"queued"}]}]', '[{"set":"9","steps":[{"to":7,"first_change":"nan"}]}]'),
    *('[{"set":"9","steps":[{"to":"cancelled","at":null,"first_change":"1e999"}]}]',),
)


@pytest.mark.parametrize("pending", NO_SETS, ids=lambda pending: pending[:60])
def test_what_names_no_sets_that_are_to_be_settled_keeps_nobody_busy(store, batch, redis_client, pending):
    jobs = jobs_of(batch, 3)
    store.create_jobs(jobs)
    redis_client.hset(names.batch_key(batch.id), "pending", pending)
    redis_client.zadd(names.UNSETTLED, {batch.id: 1})
    assert store.settle_some(batch.id, 10) == 0
    assert (
        listed(store, batch, QUEUED)
        == [row["file"] for row in store.rows(batch.id)]
        == ["0.png", "1.png", "2.png"]
    )
    assert store.get_job(jobs[0].id).state is QUEUED
    assert store.cancel_batch(batch.id) == Cancelled(3, 0)
    assert store.settle_some(batch.id, 10) == 3
    assert store.unsettled_batches() == []
    assert [job.state for job in store.results(batch.id)] == [CANCELLED] * 3


def test_another_thing_in_place_of_a_set_that_is_to_be_settled_keeps_no_other(store, batch, redis_client):
    jobs = jobs_of(batch, 4)
    store.create_jobs(jobs)
    fail_all(store, jobs[:2])
    store.retry_batch(batch.id)
    store.cancel_batch(batch.id)
    first, second = (names.batch_pending_key(batch.id, number) for number in "12")
    assert (redis_client.zcard(first), redis_client.zcard(second)) == (2, 2)
    redis_client.delete(first)
    redis_client.set(first, "x")
    assert store.settle_some(batch.id, 10) == 2
    assert store.settle_some(batch.id, 10) == 0
    assert [store.get_job(job.id).state for job in jobs[2:]] == [CANCELLED] * 2
    assert [row["state"] for row in store.rows(batch.id)][2:] == [CANCELLED] * 2
    assert store.mark_removed(batch.id)


def test_places_between_two_numbers_are_passed_and_reading_ends(store, batch, redis_client):
    store.create_jobs(jobs_of(batch, 2))
    forged = {f"{number:032x}": 1.1 + number / 10_000 for number in range(1200)}
    redis_client.zadd(names.batch_jobs_key(batch.id), forged)
    assert next(job.file for job in store.results(batch.id)) == "0.png"
    assert len([*store.results(batch.id)]) <= 2


def test_a_ticket_that_comes_back_after_a_cancel_gets_the_next_job(store, batch):
    (one,) = jobs_of(batch, 1)
    store.create_job(one)
    store.take("nano", "ticket")
    store.cancel_batch(batch.id)
    lonely, _ = store.create_job(Job(file="b.png", question="q", model="nano", images=(SHA,)))
    assert store.take("nano", "ticket").job.id == lonely.id


def test_the_timeline_and_the_span_count_a_cancel_at_once(store, batch, clock):
    store.create_jobs(jobs_of(batch, 9))
    clock.now_s += 5
    store.cancel_batch(batch.id)
    timeline = BatchFeed(store).timeline(store.get_batch(batch.id))
    assert sum(timeline.cancelled) == 9
    assert store.get_batch(batch.id).last_finished_at.timestamp() == clock.now_s


# Retry


def test_a_retry_takes_all_failed_jobs_but_those_that_were_refused(store, batch):
    jobs = jobs_of(batch, 20)
    store.create_jobs([*jobs, refused_of(batch, "x.txt")])
    fail_all(store, jobs[:12])
    assert store.retry_batch(batch.id).queued == 12
    assert counts_of(store, batch) == {QUEUED: 20, FAILED: 1}
    again = store.get_job(jobs[0].id)
    assert (again.state, again.error, again.finished_at) == (QUEUED, None, None)
    assert listed(store, batch, FAILED) == ["x.txt"]
    assert listed(store, batch, QUEUED) == [job.file for job in jobs]
    assert store.retry_batch(batch.id).queued == 0


def test_tickets_come_with_the_jobs_that_are_settled(store, batch):
    queue, jobs = JobQueue(store), jobs_of(batch, 30)
    store.create_jobs(jobs)
    while store.take("nano", f"ticket {len(jobs)}"):
        fail_all(store, jobs)
    assert queue.drop_surplus("nano") == 30
    store.retry_batch(batch.id)
    assert queue.balance("nano").missing == 0
    store.settle_some(batch.id, 20)
    balance = queue.balance("nano")
    assert (balance.queued, balance.waiting, balance.missing) == (20, 20, 0)
    store.settle_some(batch.id, 20)
    balance = queue.balance("nano")
    assert (balance.queued, balance.waiting, balance.missing) == (30, 30, 0)


def test_what_is_retried_and_then_cancelled_is_cancelled_without_its_old_error(store, batch):
    jobs = jobs_of(batch, 10)
    store.create_jobs(jobs)
    fail_all(store, jobs)
    store.retry_batch(batch.id)
    assert store.cancel_batch(batch.id) == Cancelled(queued=10, running=0)
    assert counts_of(store, batch) == {CANCELLED: 10}
    job = store.get_job(jobs[3].id)
    assert (job.state, job.error) == (CANCELLED, None)
    assert store.retry_batch(batch.id).queued == 0


def test_a_cancelled_batch_may_retry_what_had_failed_and_be_cancelled_again(store, batch):
    jobs = jobs_of(batch, 10)
    store.create_jobs(jobs)
    fail_all(store, jobs[:4])
    store.cancel_batch(batch.id)
    assert store.retry_batch(batch.id).queued == 4
    assert counts_of(store, batch) == {QUEUED: 4, CANCELLED: 6}
    assert store.get_batch(batch.id).state is BatchState.CANCELLED
    assert store.cancel_batch(batch.id) == Cancelled(queued=4, running=0)
    assert counts_of(store, batch) == {CANCELLED: 10}


def test_marks_do_not_pile_up(store, batch):
    jobs = jobs_of(batch, 2)
    store.create_jobs(jobs)
    for _ in range(5):
        fail_all(store, jobs)
        store.retry_batch(batch.id)
    store.cancel_batch(batch.id)
    assert [mark.verb for mark in store.get_batch(batch.id).marks] == ["retry", "cancel"]


def test_what_failed_because_it_was_cut_is_counted_and_no_retry_runs_it_again(store, batch):
    jobs = jobs_of(batch, 6)
    store.create_jobs([*jobs, refused_of(batch, "notes.txt")])
    for job in jobs[:4]:
        store.finish(job.id, CUT)
    store.finish(jobs[4].id, Result(answer="A red", finish_reason=FinishReason.LENGTH))
    assert store.get_batch(batch.id).cut_short == 5
    assert store.get_job(jobs[0].id).usage == CUT.usage

    assert not store.retry(jobs[0].id)
    store.remove_job(jobs[1].id)
    assert store.get_batch(batch.id).cut_short == 4

    store.finish(jobs[5].id, FAILURE)
    assert store.retry_batch(batch.id) == Retried(queued=1, cut_short=3)
    assert counts_of(store, batch) == {QUEUED: 1, SUCCEEDED: 1, FAILED: 4}
    assert store.get_batch(batch.id).cut_short == 4
    assert [store.get_job(job.id).finish_reason for job in jobs[2:4]] == ["length"] * 2
    assert set(listed(store, batch, FAILED)) == {jobs[0].file, jobs[2].file, jobs[3].file, "notes.txt"}
    assert store.retry_batch(batch.id) == Retried(queued=0, cut_short=3)


# Records of earlier versions


def test_a_retry_leaves_cut_answers_alone_that_an_older_version_kept_with_the_failed(
    store, batch, redis_client
):
    jobs = jobs_of(batch, 3)
    store.create_jobs(jobs)
    fail_all(store, jobs[:2])
    store.finish(jobs[2].id, CUT)
    place = redis_client.zscore(names.batch_refused_key(batch.id), jobs[2].id)
    redis_client.delete(names.batch_refused_key(batch.id))
    redis_client.zadd(names.batch_state_key(batch.id, FAILED), {jobs[2].id: place})
    redis_client.hset(names.batch_key(batch.id), "layout", 2)
    assert store.retry_batch(batch.id) == Retried(queued=2, cut_short=1)
    assert listed(store, batch, FAILED) == ["2.png"]


def test_a_retry_leaves_refused_files_alone_that_an_older_version_kept_with_the_failed(
    store, batch, redis_client
):
    jobs = jobs_of(batch, 3)
    refused = refused_of(batch, "x.txt")
    store.create_jobs([*jobs, refused])
    fail_all(store, jobs)
    place = redis_client.zscore(names.batch_refused_key(batch.id), refused.id)
    redis_client.delete(names.batch_refused_key(batch.id))
    redis_client.zadd(names.batch_state_key(batch.id, FAILED), {refused.id: place})
    redis_client.hdel(names.job_key(refused.id), "is_refused")
    redis_client.hdel(names.batch_key(batch.id), "layout")
    assert store.retry_batch(batch.id).queued == 3
    assert counts_of(store, batch) == {QUEUED: 3, FAILED: 1}
    assert store.get_job(refused.id).is_refused
    assert listed(store, batch, FAILED) == ["x.txt"]


# Random sequences of verbs, against a model


class Model:
    """The expected state of each job, and the states that the feed has told so far."""

    def __init__(self, store: JobStore, batch: Batch, dice: random.Random) -> None:
        self.store, self.batch, self.dice = store, batch, dice
        self.feed = BatchFeed(store)
        self.states: dict[str, JobState] = {}
        self.refused: set[str] = set()
        #: Those that have failed by being cut.
        self.cut: set[str] = set()
        self.told: dict[str, JobState] = {}
        self.cursor = 0
        self.tickets = 0

    def step(self) -> None:
        getattr(self, self.dice.choice(STEPS))()

    def some(self, *states: JobState) -> str | None:
        """The id of any job in one of the states."""
        found = [job_id for job_id, state in self.states.items() if state in states]
        return self.dice.choice(found) if found else None

    def move_all(self, *states: JobState, to: JobState) -> None:
        for job_id, state in self.states.items():
            if state in states and job_id not in self.refused | self.cut:
                self.states[job_id] = to

    def add(self) -> None:
        if self.store.get_batch(self.batch.id).state is not BatchState.OPEN:
            return
        new = jobs_of(self.batch, self.dice.randrange(1, 6), first=len(self.states))
        self.store.create_jobs(new)
        self.states |= dict.fromkeys((job.id for job in new), QUEUED)

    def refuse(self) -> None:
        if self.store.get_batch(self.batch.id).state is not BatchState.OPEN:
            return
        job, _ = self.store.create_job(refused_of(self.batch, f"{len(self.states)}.txt"))
        self.states[job.id] = FAILED
        self.refused.add(job.id)

    def take(self) -> None:
        self.tickets += 1
        taken = self.store.take("nano", f"ticket {self.tickets}")
        if taken:
            assert self.states[taken.job.id] is QUEUED
            self.states[taken.job.id] = RUNNING

    def succeed(self) -> None:
        if job_id := self.some(*JobState):
            is_open = self.states[job_id] in (QUEUED, RUNNING)
            assert self.store.finish(job_id, Result(answer="yes")) == is_open
            self.states[job_id] = SUCCEEDED if is_open else self.states[job_id]

    def fail(self) -> None:
        if job_id := self.some(*JobState):
            is_open = self.states[job_id] in (QUEUED, RUNNING)
            result = self.dice.choice((FAILURE, CUT))
            assert self.store.finish(job_id, result) == is_open
            if is_open and result is CUT:
                self.cut.add(job_id)
            self.states[job_id] = FAILED if is_open else self.states[job_id]

    def give_back(self) -> None:
        if job_id := self.some(*JobState):
            is_running = self.states[job_id] is RUNNING
            assert self.store.give_back(job_id) == is_running
            self.states[job_id] = QUEUED if is_running else self.states[job_id]

    def cancel(self) -> None:
        if job_id := self.some(*JobState):
            before = self.states[job_id]
            assert self.store.cancel(job_id) == (before if before in (QUEUED, RUNNING) else None)
            self.states[job_id] = CANCELLED if before in (QUEUED, RUNNING) else before

    def mend(self) -> None:
        """A file is refused, and taken right after."""
        if self.store.get_batch(self.batch.id).state is not BatchState.OPEN:
            return
        file = f"{len(self.states)}.txt"
        good = jobs_of(self.batch, 1)[0].model_copy(update={"file": file})
        asked = [refused_of(self.batch, file), good]
        outcomes = self.store.create_jobs([*asked, *jobs_of(self.batch, 1, first=10_000 + len(self.states))])
        self.states[outcomes[0][0].id] = QUEUED
        self.states[outcomes[-1][0].id] = QUEUED

    def retry(self) -> None:
        if job_id := self.some(*JobState):
            may = self.states[job_id] is FAILED and job_id not in self.refused | self.cut
            assert self.store.retry(job_id) == may
            self.states[job_id] = QUEUED if may else self.states[job_id]

    def cancel_all(self) -> None:
        counts = Counter(self.states.values())
        assert self.store.cancel_batch(self.batch.id) == Cancelled(counts[QUEUED], counts[RUNNING])
        self.move_all(QUEUED, RUNNING, to=CANCELLED)

    def retry_all(self) -> None:
        failed = {job_id for job_id, state in self.states.items() if state is FAILED}
        retried = Retried(len(failed - self.refused - self.cut), len(self.cut))
        assert self.store.retry_batch(self.batch.id) == retried
        self.move_all(FAILED, to=QUEUED)

    def settle(self) -> None:
        self.store.settle_some(self.batch.id, self.dice.randrange(1, 5))

    def follow(self) -> None:
        """Read some of the changes since the cursor."""
        jobs, self.cursor, _ = self.feed.changed(self.batch.id, cursor=self.cursor, limit=3)
        self.told |= {job.id: job.state for job in jobs}

    def check(self) -> None:
        assert counts_of(self.store, self.batch) == Counter(self.states.values())
        assert self.store.get_batch(self.batch.id).cut_short == len(self.cut)

    def check_all(self) -> None:
        """What every reader sees, in this order: counts, one job, each state's pages, the feed to its end."""
        self.check()
        if job_id := self.some(*JobState):
            assert self.store.get_job(job_id).state is self.states[job_id]
        for state in JobState:
            found = {job.id for job in self.store.results(self.batch.id, state)}
            assert found == {job_id for job_id, one in self.states.items() if one is state}
        while (before := self.cursor) is not None:
            self.follow()
            if self.cursor == before:
                break
        # The feed does not tell that a job has begun to run.
        begun = {job_id for job_id, state in self.states.items() if state is RUNNING}
        assert {job_id: state for job_id, state in self.told.items() if job_id not in begun} == {
            job_id: state for job_id, state in self.states.items() if job_id not in begun
        }
        self.check()


STEPS = (
    *(
        "add",
        "add",
        "refuse",
        "mend",
        "take",
        "take",
        "succeed",
        "fail",
        "fail",
        "give_back",
        "cancel",
        "retry",
    ),
    *("retry_all", "retry_all", "settle", "settle", "follow", "follow", "check"),
)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens_in_any_order_everyone_sees_every_job_as_it_is(store, batch, clock, seed):
    dice = random.Random(seed)
    model = Model(store, batch, dice)
    for _ in range(120):
        model.step()
        clock.now_s += dice.choice((0, 0.001, 1))
        model.check()
        if dice.random() < 0.03:
            model.cancel_all()
        if dice.random() < 0.05:
            model.check_all()
    model.check_all()
    while store.settle_some(batch.id, 3):
        model.check()
    model.check_all()
    queue = JobQueue(store)
    queue.drop_surplus("nano")
    balance = queue.balance("nano")
    states = Counter(model.states.values())
    assert (balance.queued, balance.running) == (states[QUEUED], states[RUNNING])
