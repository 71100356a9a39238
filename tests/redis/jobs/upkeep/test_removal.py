"""Deleting a batch, on a real server: all its data goes, and nothing else, also after interruptions."""

import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, Unavailable
from jobs.contract.models import Batch, BatchState, Job, JobError, JobState, Result
from jobs.storage.files.blobs import BlobStore
from jobs.storage.store import JobStore
from jobs.upkeep.removal import Removal, Removed
from tests.asking import new_batch, post_files
from tests.backend import MODEL, RECIPE, SETTLE_S, Backend, keys_left, know_all, sha256_of
from tests.crashing import Countdown, Crashed, CrashingBlobs, CrashingRedis
from tests.files import hostile
from tests.processes import wait_until

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"


def names_of(*contents: bytes) -> set[str]:
    return {sha256_of(content) for content in contents}


def delete(backend: Backend, *batches: Batch) -> Removed:
    for batch in batches:
        flow.delete_batch(backend.stores, batch.id)
    return backend.remove_all()


# What is deleted


def test_a_deleted_batch_leaves_nothing(backend):
    batch = backend.batch(RED, GREEN, RED)
    backend.answer_all()
    assert delete(backend, batch) == Removed(batches=1, jobs=3, images=2)
    backend.assert_empty()


def test_an_image_goes_with_the_last_batch_that_uses_it(backend):
    first, second = backend.batch(RED, GREEN), backend.batch(RED, BLUE)
    backend.answer_all()
    delete(backend, first)
    assert backend.images() == names_of(RED, BLUE)
    assert [job.answer for job in backend.store.results(second.id)] == ["A red circle."] * 2
    assert len(list(backend.journal.answered(second.id))) == 2
    delete(backend, second)
    backend.assert_empty()


def test_the_answers_of_a_deleted_batch_are_unknown_at_once_and_those_of_others_stay(backend):
    first, second = backend.batch(RED, GREEN), backend.batch(BLUE)
    backend.answer_all()
    red, blue = sha256_of(RED), sha256_of(BLUE)
    assert backend.store.known_answer([red], RECIPE).batch_id == first.id
    flow.delete_batch(backend.stores, first.id)
    assert backend.store.known_answer([red], RECIPE) is None
    backend.remove_all()
    assert set(backend.client.scan_iter("*:answers")) == {names.image_answers_key(blue)}
    assert backend.store.known_answer([blue], RECIPE).batch_id == second.id
    delete(backend, second)
    backend.assert_empty()


def test_an_answer_that_two_batches_have_is_known_until_the_later_is_deleted(backend):
    first, second = backend.batch(RED), backend.batch(RED)
    backend.answer_all()
    delete(backend, first)
    assert backend.store.known_answer([sha256_of(RED)], RECIPE).batch_id == second.id
    delete(backend, second)
    backend.assert_empty()


def test_an_image_that_is_in_use_keeps_no_answer_of_a_job_that_is_gone(backend):
    batch = backend.batch(RED)
    backend.answer_all()
    backend.add(None, RED)
    delete(backend, batch)
    assert backend.images() == names_of(RED)
    assert not backend.client.exists(names.image_answers_key(sha256_of(RED)))


def test_an_image_that_a_single_job_uses_stays(backend):
    batch, single = backend.batch(RED, GREEN), backend.add(None, RED)
    delete(backend, batch)
    assert backend.images() == names_of(RED)
    assert backend.store.get_job(single.id).image == sha256_of(RED)
    assert list(backend.journal.jobs(None))
    assert backend.take().id == single.id


def test_a_batch_of_nothing_and_one_of_refused_files_go_too(backend):
    empty, refused = backend.batch(), backend.batch()
    reason = JobError(code="not_an_image", message="It is none.")
    fields = {"batch_id": refused.id, "question": "q", "model": MODEL}
    backend.store.create_job(Job(file="a.txt", state=JobState.FAILED, error=reason, **fields))
    assert delete(backend, empty, refused) == Removed(batches=2, jobs=1)
    backend.assert_empty()


def test_the_image_of_a_refused_file_that_was_sent_again_goes_with_its_batch(backend):
    batch = backend.batch()
    reason = JobError(code="not_an_image", message="It is none.")
    fields = {"batch_id": batch.id, "question": "q", "model": MODEL}
    backend.store.create_job(Job(file="a.png", state=JobState.FAILED, error=reason, **fields))
    backend.add(batch, RED, "a.png")
    assert backend.removal.run_once() == Removed()
    assert backend.images() == names_of(RED)
    delete(backend, batch)
    backend.assert_empty()


def test_the_images_of_one_path_stay_and_go_with_their_batch(backend):
    batch = backend.batch(RED)
    backend.add(batch, GREEN, "0.png")
    assert [job.file for job in backend.store.results(batch.id)] == ["0.png", "0 (2).png"]
    assert backend.removal.run_once() == Removed()
    assert backend.images() == names_of(RED, GREEN)
    delete(backend, batch)
    backend.assert_empty()


def test_nothing_is_done_when_there_is_nothing_to_do(backend):
    backend.batch(RED)
    before = set(backend.client.scan_iter("*"))
    backend.clock.now_s += 10 * SETTLE_S
    assert backend.removal.run_once() == Removed()
    assert set(backend.client.scan_iter("*")) == before


# Concurrent changes


def test_a_deleted_batch_is_unknown_at_once(backend):
    batch = backend.batch(RED)
    (job,) = backend.store.results(batch.id)
    flow.delete_batch(backend.stores, batch.id)
    for call in ("get_batch", "mark_removed", "close_batch", "cancel_batch"):
        with pytest.raises(NotFound) as unknown:
            getattr(backend.store, call)(batch.id)
        assert unknown.value.code == "batch_not_found"
    with pytest.raises(NotFound) as unknown:
        backend.store.get_shown_job(job.id)
    assert unknown.value.code == "job_not_found"
    with pytest.raises(NotFound):
        backend.add(batch, GREEN, "late.png")


def test_what_waits_in_a_deleted_batch_is_not_begun_and_its_tickets_go(backend):
    batch, other = backend.batch(RED, GREEN), backend.batch(BLUE)
    flow.delete_batch(backend.stores, batch.id)
    assert backend.take().batch_id == other.id
    backend.removal.run_once()
    balance = backend.queue.balance(MODEL)
    assert (balance.waiting, balance.running) == (0, 1), "its ticket is in the worker's hand"


def test_a_job_that_runs_is_cancelled_and_its_answer_dropped(backend):
    batch = backend.batch(RED)
    job = backend.take()
    flow.delete_batch(backend.stores, batch.id)
    assert backend.removal.run_once() == Removed()
    assert backend.store.cancelled([job.id]) == {job.id}
    assert not backend.store.finish(job.id, Result(answer="late"))
    backend.remove_all()
    assert backend.store.cancelled([job.id]) == {job.id}
    with pytest.raises(NotFound):
        backend.store.finish(job.id, Result(answer="later"))
    with pytest.raises(NotFound):
        backend.store.take_back(job.id)
    backend.assert_empty()


def test_a_job_that_its_worker_gives_back_is_not_begun_again(backend):
    batch = backend.batch(RED, GREEN)
    job = backend.take()
    flow.delete_batch(backend.stores, batch.id)
    assert not backend.store.give_back(job.id)
    backend.removal.run_once()
    assert backend.store.take(MODEL, "another ticket") is None
    backend.remove_all()
    backend.assert_empty()


def test_a_job_that_is_retried_at_the_last_moment_goes_too(backend):
    batch = backend.batch(RED)
    job = backend.take()
    backend.store.finish(job.id, Result(error=JobError(code="engine_failed", message="It failed.")))
    flow.delete_batch(backend.stores, batch.id)
    backend.removal.run_once()
    assert not backend.store.retry(job.id)
    assert backend.store.take(MODEL, "a ticket") is None, "it is not begun"
    backend.remove_all()
    backend.assert_empty()


def test_an_answer_that_a_worker_is_still_noting_goes_too(backend):
    batch = backend.batch(RED)
    job = backend.take()
    assert backend.store.finish(job.id, Result(answer="A red circle."))
    flow.delete_batch(backend.stores, batch.id)
    assert backend.removal.run_once() == Removed()
    backend.journal.note_result(backend.store.get_job(job.id))
    assert list(backend.blobs.list(names.batch_folder(batch.id)))
    backend.remove_all()
    backend.assert_empty()


def test_a_deleted_batch_does_not_come_back_from_the_journal_while_it_is_being_removed(backend):
    batch = backend.batch(RED)
    flow.delete_batch(backend.stores, batch.id)
    backend.removal.run_once()
    assert not list(backend.journal.batches())


class Interrupted(JobStore):
    """A store that calls `interrupt` after each read of a batch, before the caller goes on."""

    interrupt: Callable[[], object] | None = None

    def get_batch(self, batch_id: str) -> Batch:
        batch = super().get_batch(batch_id)
        if self.interrupt:
            self.interrupt()
        return batch


def test_a_batch_that_is_closed_while_its_last_key_goes_does_not_come_back(backend):
    batch = backend.batch()
    slow = Interrupted(backend.client, backend.clock)
    slow.interrupt = lambda: backend.client.exists(names.batch_key(batch.id)) and delete(backend, batch)
    with suppress(NotFound):
        slow.close_batch(batch.id)
    backend.assert_empty()


def test_of_two_who_delete_one_batch_one_is_told_that_it_is_gone(backend):
    batch = backend.batch(RED)

    def mark(_: int) -> bool:
        try:
            flow.delete_batch(backend.stores, batch.id)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(mark, range(16))).count(True) == 1


# Concurrent uploads


def test_an_upload_keeps_an_image_between_its_look_and_its_job(backend):
    first, second = backend.batch(RED), backend.batch()
    with backend.image_uses.using(sha256_of(RED)):
        backend.blobs.put_image(sha256_of(RED), RED)
        flow.delete_batch(backend.stores, first.id)
        for _ in range(3):
            backend.clock.now_s += SETTLE_S
            backend.removal.run_once()
        backend.store.create_job(
            Job(batch_id=second.id, file="a.png", question="q", model=MODEL, images=(sha256_of(RED),))
        )
    assert backend.removal.run_once() == Removed()
    assert backend.blobs.get_image(sha256_of(RED)) == RED
    delete(backend, second)
    assert backend.images() == set()


def test_an_upload_into_a_batch_that_is_deleted_meanwhile_leaves_no_image(backend):
    batch = backend.batch()
    with pytest.raises(NotFound), backend.image_uses.using(sha256_of(RED)):
        backend.blobs.put_image(sha256_of(RED), RED)
        delete(backend, batch)
        backend.store.create_job(
            Job(batch_id=batch.id, file="a.png", question="q", model=MODEL, images=(sha256_of(RED),))
        )
    backend.remove_all()
    backend.assert_empty()


def test_an_upload_while_its_image_is_being_deleted_waits_and_sends_it_again(backend):
    delete_begun, batch = threading.Event(), backend.batch()
    backend.image_uses.release(backend.image_uses.claim(sha256_of(RED)), sha256_of(RED))
    backend.blobs.put_image(sha256_of(RED), RED)
    taken = backend.image_uses.begin_deletion(1)

    def send() -> None:
        delete_begun.set()
        backend.add(batch, RED)

    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send)
        delete_begun.wait(60)
        backend.blobs.delete_images(taken)
        backend.image_uses.end_deletion(taken)
        sending.result(60)
    backend.removal.run_once()
    assert backend.blobs.get_image(sha256_of(RED)) == RED


# What somebody else has written


def test_what_is_no_batch_is_not_removed_and_nothing_else_with_it(backend, caplog):
    other, gone = backend.batch(RED), backend.batch(GREEN)
    backend.answer_all()
    forged = [b"", b".", b"..", b"../images", b"x", b"\xff\xfe", b"a\0" * 16, b"x" * 100_000]
    backend.client.zadd(names.REMOVALS, dict.fromkeys(forged, float("-inf")))
    before = backend.images()
    flow.delete_batch(backend.stores, gone.id)
    backend.clock.now_s += SETTLE_S
    assert backend.removal.run_once() == Removed(batches=1, jobs=1, images=1)
    assert backend.images() == before - names_of(GREEN)
    assert [job.answer for job in backend.store.results(other.id)] == ["A red circle."]
    assert len([*backend.journal.batches()]) == len([*backend.journal.jobs(other.id)]) == 1
    assert "removals cannot be read" in caplog.text


@pytest.mark.parametrize("key", [names.batch_key, names.batch_jobs_key, names.batch_changes_key])
def test_a_deleted_batch_that_cannot_be_read_keeps_no_other(backend, key):
    lost, other = backend.batch(RED), backend.batch(GREEN)
    for batch in (lost, other):
        flow.delete_batch(backend.stores, batch.id)
    backend.client.delete(key(lost.id))
    backend.client.set(key(lost.id), "x")
    backend.clock.now_s += SETTLE_S
    backend.removal.run_once()
    assert names_of(GREEN).isdisjoint(backend.images())
    assert not backend.client.exists(names.batch_key(other.id))


def test_a_link_that_is_none_keeps_no_batch_from_being_removed(backend):
    batch = backend.batch(RED)
    backend.client.sadd(names.batch_shares_key(batch.id), "../batches/x", "", "\0", b"\xff")
    assert delete(backend, batch).batches == 1
    backend.assert_empty()


def test_images_that_could_not_be_deleted_can_be_sent_again_at_once(backend, tmp_path):
    class Away(BlobStore):
        def delete_images(self, sha256s):
            raise Unavailable("away", code=Code.BLOB_STORE_UNAVAILABLE)

    batch, other = backend.batch(RED, GREEN), backend.batch()
    flow.delete_batch(backend.stores, batch.id)
    backend.use(backend.client, Away(backend.blobs.url))
    with pytest.raises(Unavailable):
        backend.remove_all()
    backend.add(other, RED)
    backend.use(backend.client, backend.blobs)
    backend.remove_all()
    assert backend.images() == names_of(RED)


# Interrupted


def test_a_removal_that_is_killed_at_any_step_is_taken_up_again(redis_url, redis_client, tmp_path):
    backend = Backend(redis_client, tmp_path / "blobs")
    client = CrashingRedis.from_url(redis_url, decode_responses=True)
    assert isinstance(client, CrashingRedis)
    blobs = CrashingBlobs(backend.blobs.url, patience_s=0)
    for calls in itertools.count():
        deleted, kept = backend.batch(RED, GREEN, BLUE), backend.batch(BLUE)
        first = backend.take()
        assert first is not None
        backend.finish(first)
        backend.take()
        flow.delete_batch(backend.stores, deleted.id)
        client.countdown = blobs.countdown = Countdown(calls)
        backend.use(client, blobs)
        try:
            backend.remove_all()
        except Crashed:
            is_killed = True
        else:
            is_killed = False
        backend.use(redis_client, backend.blobs)
        # Let the locks of the dead deleter expire.
        for key in redis_client.scan_iter(names.image_deleter_key("*")):
            redis_client.pexpire(key, 1)
        wait_until(lambda: not list(redis_client.scan_iter(names.image_deleter_key("*"))), "the locks expire")
        backend.remove_all()
        assert backend.images() == names_of(BLUE), f"killed after {calls} calls"
        assert [job.image for job in backend.store.results(kept.id)] == [sha256_of(BLUE)]
        delete(backend, kept)
        redis_client.delete(names.running_key(MODEL), names.bulk_queue(MODEL))
        backend.assert_empty()
        if not is_killed:
            break
    client.close()
    assert calls > 15


def test_a_large_batch_is_removed_over_several_passes(redis_url, redis_client, tmp_path):
    backend = Backend(redis_client, tmp_path / "blobs", jobs_a_pass=4)
    batch, other = backend.batch(*([RED] * 9)), backend.batch(GREEN)
    flow.delete_batch(backend.stores, batch.id)
    flow.delete_batch(backend.stores, other.id)
    ids = [
        one for each in (batch, other) for one in redis_client.zrange(names.batch_jobs_key(each.id), 0, -1)
    ]
    assert backend.store.cancelled(ids) == set(ids), "all at once"
    backend.clock.now_s += SETTLE_S
    assert [backend.removal.run_once().jobs for _ in range(5)] == [4, 4, 1, 1, 0]
    backend.assert_empty()


# Concurrent uploads and deletions


def removal_of(services) -> Removal:
    parts = (services.store, services.image_uses, services.blobs, services.journal)
    know_all(services.store.redis)
    return Removal(*parts, settle_s=0)


def assert_whole(http, job: str) -> None:
    """A job has its image, unless it is deleted meanwhile."""
    image = http.get(f"{job}/image")
    assert image.status_code == 200 or http.get(job).status_code == 404, f"{job}: {image.json['code']}"


class Slow(BlobStore):
    """A blob store with slow puts, so that other calls come between an upload and the creation of its job."""

    def put_image(self, sha256, file):
        super().put_image(sha256, file)
        threading.Event().wait(0.03)


def come_and_go(app) -> list[str]:
    """Send the same few images into many batches while batches are deleted; gives all batches."""
    images = [hostile.encoded(size=(8, side)) for side in range(1, 6)]
    batches: list[str] = []
    done = threading.Event()

    def send(seed: int) -> None:
        chance, http = random.Random(seed), app.test_client()
        for left in reversed(range(20)):
            batch = new_batch(http)
            batches.append(batch)
            files = {f"{n}.png": image for n, image in enumerate(chance.sample(images, 2))}
            sent = post_files(http, f"{batch}/files", files)
            assert sent.status_code in (202, 404)
            for outcome in sent.json.get("files", ()):
                assert_whole(http, f"/api/jobs/{outcome['job_id']}")
            # Images in use are never deleted, so batches must go: all but the last of each thread may.
            if left:
                gone = chance.choice([batch, batch, batch, chance.choice(batches)])
                assert http.delete(gone).status_code in (204, 404)

    def remove() -> None:
        removal = removal_of(app.extensions["eva01"])
        while not done.is_set():
            removal.run_once()

    with ThreadPoolExecutor(5) as threads:
        removing = [threads.submit(remove) for _ in range(2)]
        sending = [threads.submit(send, seed) for seed in range(3)]
        try:
            for thread in sending:
                thread.result(60)
        finally:
            done.set()
        for thread in removing:
            thread.result(60)
    return batches


def test_while_batches_come_and_go_every_job_has_its_image(make_app):
    app = make_app()
    services = app.extensions["eva01"]
    replace(services, blobs=Slow(services.blobs.url)).attach(app)
    batches = come_and_go(app)
    records = list(services.store.redis.scan_iter(names.job_key("*")))
    assert records
    for record in records:
        assert services.blobs.get_image(services.store.redis.hget(record, "images"))

    http, removal = app.test_client(), removal_of(services)
    for batch in batches:
        http.delete(batch)

    def is_done() -> bool:
        removal.run_once()
        return not services.store.redis.exists(names.REMOVALS, names.UNUSED_IMAGES)

    wait_until(is_done, "everything is removed", every_s=0)
    assert keys_left(services.store.redis) == set()
    assert not list(services.blobs.list("images"))


def test_a_closed_batch_can_be_deleted(backend):
    batch = backend.batch(RED)
    assert backend.store.close_batch(batch.id).state is BatchState.CLOSED
    delete(backend, batch)
    backend.assert_empty()
