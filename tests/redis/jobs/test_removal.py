"""Deleting a batch, on a real server: all of it goes, and nothing else, whatever runs or breaks off."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, Unavailable
from jobs.contract.models import Batch, BatchState, Job, JobError, JobState, Result
from jobs.storage.blobs import BlobStore
from jobs.storage.store import JobStore
from jobs.upkeep.removal import Removal, Removed
from tests import hostile
from tests.asking import new_batch, post_files
from tests.house import MODEL, RECIPE, SETTLE_S, House, keys_left, sha256_of
from tests.mortal import Crashed, Fate, MortalBlobs, MortalRedis
from tests.processes import wait_until

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"


@pytest.fixture
def house(redis_url, redis_client, tmp_path) -> House:
    return House(redis_client, tmp_path / "blobs")


def names_of(*contents: bytes) -> set[str]:
    return {sha256_of(content) for content in contents}


def delete(house: House, *batches: Batch) -> Removed:
    for batch in batches:
        flow.delete_batch(house.stores, batch.id)
    return house.remove_all()


# Exactly what belongs to it


def test_a_deleted_batch_leaves_nothing(house):
    batch = house.batch(RED, GREEN, RED)
    house.answer_all()
    assert delete(house, batch) == Removed(batches=1, jobs=3, images=2)
    house.assert_empty()


def test_an_image_goes_with_the_last_batch_that_uses_it(house):
    first, second = house.batch(RED, GREEN), house.batch(RED, BLUE)
    house.answer_all()
    delete(house, first)
    assert house.images() == names_of(RED, BLUE)
    assert [job.answer for job in house.store.results(second.id)] == ["A red circle."] * 2
    assert len(list(house.journal.answered(second.id))) == 2
    delete(house, second)
    house.assert_empty()


def test_the_answers_of_a_deleted_batch_are_unknown_at_once_and_those_of_others_stay(house):
    first, second = house.batch(RED, GREEN), house.batch(BLUE)
    house.answer_all()
    red, blue = sha256_of(RED), sha256_of(BLUE)
    assert house.store.known_answer([red], RECIPE).batch_id == first.id
    flow.delete_batch(house.stores, first.id)
    assert house.store.known_answer([red], RECIPE) is None
    house.remove_all()
    assert set(house.client.scan_iter("*:answers")) == {names.image_answers_key(blue)}
    assert house.store.known_answer([blue], RECIPE).batch_id == second.id
    delete(house, second)
    house.assert_empty()


def test_an_answer_that_two_batches_have_is_known_until_the_later_is_deleted(house):
    first, second = house.batch(RED), house.batch(RED)
    house.answer_all()
    delete(house, first)
    assert house.store.known_answer([sha256_of(RED)], RECIPE).batch_id == second.id
    delete(house, second)
    house.assert_empty()


def test_an_image_that_is_in_use_keeps_no_answer_of_a_job_that_is_gone(house):
    batch = house.batch(RED)
    house.answer_all()
    house.add(None, RED)
    delete(house, batch)
    assert house.images() == names_of(RED)
    assert not house.client.exists(names.image_answers_key(sha256_of(RED)))


def test_an_image_that_a_single_job_uses_stays(house):
    batch, single = house.batch(RED, GREEN), house.add(None, RED)
    delete(house, batch)
    assert house.images() == names_of(RED)
    assert house.store.get_job(single.id).image == sha256_of(RED)
    assert list(house.journal.jobs(None))
    assert house.take().id == single.id


def test_a_batch_of_nothing_and_one_of_refused_files_go_too(house):
    empty, refused = house.batch(), house.batch()
    reason = JobError(code="not_an_image", message="It is none.")
    fields = {"batch_id": refused.id, "question": "q", "model": MODEL}
    house.store.create_job(Job(file="a.txt", state=JobState.FAILED, error=reason, **fields))
    assert delete(house, empty, refused) == Removed(batches=2, jobs=1)
    house.assert_empty()


def test_the_image_of_a_refused_file_that_was_sent_again_goes_with_its_batch(house):
    batch = house.batch()
    reason = JobError(code="not_an_image", message="It is none.")
    fields = {"batch_id": batch.id, "question": "q", "model": MODEL}
    house.store.create_job(Job(file="a.png", state=JobState.FAILED, error=reason, **fields))
    house.add(batch, RED, "a.png")
    assert house.removal.run_once() == Removed()
    assert house.images() == names_of(RED)
    delete(house, batch)
    house.assert_empty()


def test_the_image_of_a_path_that_the_batch_has_already_is_not_kept(house):
    batch = house.batch(RED)
    house.add(batch, GREEN, "0.png")
    assert house.removal.run_once() == Removed(images=1)
    assert house.images() == names_of(RED)


def test_nothing_is_done_when_there_is_nothing_to_do(house):
    house.batch(RED)
    before = set(house.client.scan_iter("*"))
    house.clock.now_s += 10 * SETTLE_S
    assert house.removal.run_once() == Removed()
    assert set(house.client.scan_iter("*")) == before


# At any moment


def test_a_deleted_batch_is_unknown_at_once(house):
    batch = house.batch(RED)
    (job,) = house.store.results(batch.id)
    flow.delete_batch(house.stores, batch.id)
    for call in ("get_batch", "mark_removed", "close_batch", "cancel_batch"):
        with pytest.raises(NotFound) as unknown:
            getattr(house.store, call)(batch.id)
        assert unknown.value.code == "batch_not_found"
    with pytest.raises(NotFound) as unknown:
        house.store.get_shown_job(job.id)
    assert unknown.value.code == "job_not_found"
    with pytest.raises(NotFound):
        house.add(batch, GREEN, "late.png")


def test_what_waits_in_a_deleted_batch_is_not_begun_and_its_tickets_go(house):
    batch, other = house.batch(RED, GREEN), house.batch(BLUE)
    flow.delete_batch(house.stores, batch.id)
    assert house.take().batch_id == other.id
    house.removal.run_once()
    balance = house.queue.balance(MODEL)
    assert (balance.waiting, balance.running) == (0, 1), "its ticket is in the worker's hand"


def test_a_job_that_runs_is_cancelled_and_its_answer_dropped(house):
    batch = house.batch(RED)
    job = house.take()
    flow.delete_batch(house.stores, batch.id)
    assert house.removal.run_once() == Removed()
    assert house.store.cancelled([job.id]) == {job.id}
    assert not house.store.finish(job.id, Result(answer="late"))
    house.remove_all()
    assert house.store.cancelled([job.id]) == {job.id}
    with pytest.raises(NotFound):
        house.store.finish(job.id, Result(answer="later"))
    with pytest.raises(NotFound):
        house.store.take_back(job.id)
    house.assert_empty()


def test_a_job_that_its_worker_gives_back_is_not_begun_again(house):
    batch = house.batch(RED, GREEN)
    job = house.take()
    flow.delete_batch(house.stores, batch.id)
    assert not house.store.give_back(job.id)
    house.removal.run_once()
    assert house.store.take(MODEL, "another ticket") is None
    house.remove_all()
    house.assert_empty()


def test_a_job_that_is_retried_at_the_last_moment_goes_too(house):
    batch = house.batch(RED)
    job = house.take()
    house.store.finish(job.id, Result(error=JobError(code="engine_failed", message="It failed.")))
    flow.delete_batch(house.stores, batch.id)
    house.removal.run_once()
    assert not house.store.retry(job.id)
    assert house.store.take(MODEL, "a ticket") is None, "it is not begun"
    house.remove_all()
    house.assert_empty()


def test_an_answer_that_a_worker_is_still_noting_goes_too(house):
    batch = house.batch(RED)
    job = house.take()
    assert house.store.finish(job.id, Result(answer="A red circle."))
    flow.delete_batch(house.stores, batch.id)
    assert house.removal.run_once() == Removed()
    house.journal.note_result(house.store.get_job(job.id))
    assert list(house.blobs.list(names.batch_folder(batch.id)))
    house.remove_all()
    house.assert_empty()


def test_a_deleted_batch_does_not_come_back_from_the_journal_while_it_is_being_removed(house):
    batch = house.batch(RED)
    flow.delete_batch(house.stores, batch.id)
    house.removal.run_once()
    assert not list(house.journal.batches())


class Interrupted(JobStore):
    """A store in which somebody removes a batch while another looks at it."""

    interrupt = None

    def get_batch(self, batch_id: str) -> Batch:
        batch = super().get_batch(batch_id)
        if self.interrupt:
            self.interrupt()
        return batch


def test_a_batch_that_is_closed_while_its_last_key_goes_does_not_come_back(house):
    batch = house.batch()
    slow = Interrupted(house.client, house.clock)
    slow.interrupt = lambda: house.client.exists(names.batch_key(batch.id)) and delete(house, batch)
    with suppress(NotFound):
        slow.close_batch(batch.id)
    house.assert_empty()


def test_of_two_who_delete_one_batch_one_is_told_that_it_is_gone(house):
    batch = house.batch(RED)

    def mark(_: int) -> bool:
        try:
            flow.delete_batch(house.stores, batch.id)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(mark, range(16))).count(True) == 1


# Uploads in between


def test_an_upload_keeps_an_image_between_its_look_and_its_job(house):
    first, second = house.batch(RED), house.batch()
    with house.image_uses.using(sha256_of(RED)):
        house.blobs.put_image(sha256_of(RED), RED)
        flow.delete_batch(house.stores, first.id)
        for _ in range(3):
            house.clock.now_s += SETTLE_S
            house.removal.run_once()
        house.store.create_job(
            Job(batch_id=second.id, file="a.png", question="q", model=MODEL, images=(sha256_of(RED),))
        )
    assert house.removal.run_once() == Removed()
    assert house.blobs.get_image(sha256_of(RED)) == RED
    delete(house, second)
    assert house.images() == set()


def test_an_upload_into_a_batch_that_is_deleted_meanwhile_leaves_no_image(house):
    batch = house.batch()
    with pytest.raises(NotFound), house.image_uses.using(sha256_of(RED)):
        house.blobs.put_image(sha256_of(RED), RED)
        delete(house, batch)
        house.store.create_job(
            Job(batch_id=batch.id, file="a.png", question="q", model=MODEL, images=(sha256_of(RED),))
        )
    house.remove_all()
    house.assert_empty()


def test_an_upload_while_its_image_is_being_deleted_waits_and_sends_it_again(house):
    delete_begun, batch = threading.Event(), house.batch()
    house.image_uses.release(house.image_uses.claim(sha256_of(RED)), sha256_of(RED))
    house.blobs.put_image(sha256_of(RED), RED)
    taken = house.image_uses.begin_deletion(1)

    def send() -> None:
        delete_begun.set()
        house.add(batch, RED)

    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send)
        delete_begun.wait(60)
        house.blobs.delete_images(taken)
        house.image_uses.end_deletion(taken)
        sending.result(60)
    house.removal.run_once()
    assert house.blobs.get_image(sha256_of(RED)) == RED


def test_images_that_could_not_be_deleted_can_be_sent_again_at_once(house, tmp_path):
    class Away(BlobStore):
        def delete_images(self, sha256s):
            raise Unavailable("away", code=Code.BLOB_STORE_UNAVAILABLE)

    batch, other = house.batch(RED, GREEN), house.batch()
    flow.delete_batch(house.stores, batch.id)
    house.settle(house.client, Away(house.blobs.url))
    with pytest.raises(Unavailable):
        house.remove_all()
    house.add(other, RED)
    house.settle(house.client, house.blobs)
    house.remove_all()
    assert house.images() == names_of(RED)


# Broken off


def test_a_removal_that_is_killed_at_any_step_is_taken_up_again(redis_url, redis_client, tmp_path):
    house = House(redis_client, tmp_path / "blobs")
    client = MortalRedis.from_url(redis_url, decode_responses=True)
    blobs = MortalBlobs(house.blobs.url, patience_s=0)
    for calls in itertools.count():
        deleted, kept = house.batch(RED, GREEN, BLUE), house.batch(BLUE)
        house.finish(house.take())
        house.take()
        flow.delete_batch(house.stores, deleted.id)
        client.fate = blobs.fate = Fate(calls)
        house.settle(client, blobs)
        try:
            house.remove_all()
        except Crashed:
            is_killed = True
        else:
            is_killed = False
        house.settle(redis_client, house.blobs)
        # What time does for those whose deleter is dead.
        for key in redis_client.scan_iter(names.image_deleter_key("*")):
            redis_client.pexpire(key, 1)
        wait_until(lambda: not list(redis_client.scan_iter(names.image_deleter_key("*"))), "the locks expire")
        house.remove_all()
        assert house.images() == names_of(BLUE), f"killed after {calls} calls"
        assert [job.image for job in house.store.results(kept.id)] == [sha256_of(BLUE)]
        delete(house, kept)
        redis_client.delete(names.running_key(MODEL), names.bulk_queue(MODEL))
        house.assert_empty()
        if not is_killed:
            break
    client.close()
    assert calls > 15


def test_a_large_batch_is_removed_over_several_passes(redis_url, redis_client, tmp_path):
    house = House(redis_client, tmp_path / "blobs", jobs_a_pass=4)
    batch, other = house.batch(*([RED] * 9)), house.batch(GREEN)
    flow.delete_batch(house.stores, batch.id)
    flow.delete_batch(house.stores, other.id)
    ids = [
        one for each in (batch, other) for one in redis_client.zrange(names.batch_jobs_key(each.id), 0, -1)
    ]
    assert house.store.cancelled(ids) == set(ids), "all at once"
    house.clock.now_s += SETTLE_S
    assert [house.removal.run_once().jobs for _ in range(5)] == [4, 4, 1, 1, 0]
    house.assert_empty()


# Everything at once


def removal_of(services) -> Removal:
    parts = (services.store, services.image_uses, services.blobs, services.journal)
    return Removal(*parts, settle_s=0)


def assert_whole(http, job: str) -> None:
    """A job has its image, unless it is deleted meanwhile."""
    image = http.get(f"{job}/image")
    assert image.status_code == 200 or http.get(job).status_code == 404, f"{job}: {image.json['code']}"


class Slow(BlobStore):
    """A blob store that answers late, so that much happens between an upload's look and its job."""

    def put_image(self, sha256, file):
        super().put_image(sha256, file)
        threading.Event().wait(0.03)


def come_and_go(app) -> list[str]:
    """Send the same few images into many batches while those are deleted; gives the batches."""
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
            # Images that stay in use are never deleted: the last ones stay, and now and then another's go.
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


def test_a_closed_batch_can_be_deleted(house):
    batch = house.batch(RED)
    assert house.store.close_batch(batch.id).state is BatchState.CLOSED
    delete(house, batch)
    house.assert_empty()
