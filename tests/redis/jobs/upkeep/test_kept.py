"""Data of version 0.1.0 can be read: its records in Redis, and its journal (tests/kept/0.1.0)."""

import pytest

from jobs.contract import names
from jobs.contract.models import JobState, Options, Result
from jobs.storage.feed import BatchFeed
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.tickets.queue import JobQueue
from jobs.upkeep.restore import Restore, Restored
from tests.old_records import SHA, STATES, load_journal, load_records

pytestmark = pytest.mark.redis


@pytest.fixture
def kept(redis_client) -> None:
    """The records of version 0.1.0, loaded into Redis."""
    load_records(redis_client)


@pytest.fixture
def batch_id(kept, redis_client) -> str:
    (found,) = redis_client.zrange(names.BATCHES, 0, -1)
    return found


def states_of(store, batch_id: str) -> dict[str, JobState]:
    return {job.file: job.state for job in store.results(batch_id)}


def test_its_records_are_read(store, batch_id):
    jobs = {job.file: job for job in store.results(batch_id)}
    assert {file: job.state for file, job in jobs.items()} == STATES
    answered, refused = jobs["a/1.jpg"], jobs["x.txt"]
    assert (answered.images, answered.media_types, answered.image) == ((SHA,), ("image/jpeg",), SHA)
    assert (answered.finish_reason, store.get_batch(batch_id).cut_short) == (None, 0), "nobody noted it"
    assert (answered.answer, answered.options) == ("A red circle. 红", Options(max_new_tokens=40))
    assert (refused.is_refused, refused.images, jobs["2 名.jpg"].is_refused) == (True, (), False)
    assert [row["file"] for row in store.rows(batch_id)] == list(STATES)
    assert [job.public() for job in store.results(batch_id)] == list(store.rows(batch_id))
    said = ("data", "confidence", "field_confidence")
    assert {row[name] for row in store.rows(batch_id) for name in said} == {None}
    assert store.get_batch(batch_id).public()["response_format"] is None
    changed = BatchFeed(store).changed(batch_id).jobs
    assert {job.file for job in changed} == set(STATES)


def test_its_jobs_go_on(store, batch_id, redis_client):
    running = next(job for job in store.results(batch_id) if job.state is JobState.RUNNING)
    assert store.take("nano", running.ticket).job.id == running.id
    assert store.finish(running.id, Result(answer="yes"), recipe="other")
    assert store.known_answer([SHA], "other").id == running.id
    assert store.known_answer([SHA], "5eed").file == "a/1.jpg"
    assert JobQueue(store).balance("nano").missing == 0
    assert store.take("nano", "ticket").job.file == "5.jpg"


def test_its_batch_is_retried_and_cancelled_as_a_whole(store, batch_id):
    assert store.retry_batch(batch_id).queued == 1, "its refused file was kept with the others"
    assert states_of(store, batch_id) == STATES | {"2 名.jpg": JobState.QUEUED}
    store.cancel_batch(batch_id)
    counts = store.get_batch(batch_id).counts
    assert (counts[JobState.CANCELLED], counts[JobState.SUCCEEDED], counts[JobState.FAILED]) == (4, 1, 1)


def test_its_batch_is_removed_whole(store, batch_id, redis_client):
    store.mark_removed(batch_id)
    while store.remove_jobs(batch_id, 4):
        pass
    store.remove_batch(batch_id)
    left = set(redis_client.scan_iter(f"*{batch_id}*"))
    assert left == set()
    (single,) = redis_client.zrange(names.SINGLE_JOBS, 0, -1)
    assert redis_client.smembers(names.image_uses_key(SHA)) == {single}


def test_its_journal_is_restored(store, redis_client, tmp_path):
    load_journal(tmp_path / "blobs")
    journal = Journal(BlobStore((tmp_path / "blobs").as_uri(), patience_s=0))
    *_, done = Restore(store, journal).run()
    assert done == Restored(batches=1, finished=4, queued=3)
    (batch_id,) = redis_client.zrange(names.BATCHES, 0, -1)
    lost = {"3.jpg": JobState.QUEUED, "4.jpg": JobState.QUEUED}
    assert states_of(store, batch_id) == STATES | lost, "a cancel of one job was not in its journal"
    assert store.known_answer([SHA], "5eed").answer == "A red circle. 红"
    assert JobQueue(store).balance("nano").missing == 0
