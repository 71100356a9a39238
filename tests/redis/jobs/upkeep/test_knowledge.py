"""Redis is lost: no image goes that only the journal knows of, until all is back; on a real server."""

import logging
from datetime import UTC, datetime

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import Batch, Result
from jobs.storage.connection.client import connect
from jobs.storage.files.blobs import BlobStore
from jobs.storage.image_uses import ImageUses
from jobs.storage.knowledge import Knowledge
from jobs.storage.restarts import RestartWatch
from jobs.storage.store import JobStore
from jobs.upkeep.housekeeping import Housekeeping
from jobs.upkeep.removal import Removal
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, ask, new_batch, post_files, send
from tests.backend import SETTLE_S, Backend, sha256_of
from tests.chaos.servers import RedisServer
from web.server import housekeeping_of

pytestmark = pytest.mark.redis

RED, GREEN = b"red", b"green"
SAID = "eva01 restore"


@pytest.fixture
def housekeeping(services) -> Housekeeping:
    return housekeeping_of(services)


def keep_house(housekeeping: Housekeeping, client) -> None:
    """Keep house when nobody writes about deleted batches any more."""
    for batch_id in client.zrange(names.REMOVALS, 0, -1):
        for index in (names.REMOVALS, names.BATCHES):
            client.zadd(index, {batch_id: 1})
    housekeeping.keep_house()


# By what users do


def test_a_picture_of_a_lost_batch_outlives_another_batch_that_had_it_as_well(
    http, services, redis_client, housekeeping, command
):
    first = new_batch(http)
    (sent,) = send(http, first, {"a.png": IMAGE})
    services.store.finish(sent["job_id"], Result(answer="A red circle."))
    services.journal.note_result(services.store.get_job(sent["job_id"]))
    keep_house(housekeeping, redis_client)

    redis_client.flushall()
    second = new_batch(http)
    send(http, second, {"a.png": IMAGE})
    assert http.delete(second).status_code == 204
    for _ in range(3):
        keep_house(housekeeping, redis_client)
    assert http.get(second).status_code == 404
    assert services.blobs.has_image(sha256_of(IMAGE))

    code, _, _ = command()
    assert code == 0
    keep_house(housekeeping, redis_client)
    job = f"/api/jobs/{sent['job_id']}"
    assert http.get(job).json["state"] == "succeeded"
    assert http.get(f"{job}/image").data == IMAGE

    http.delete(first)
    keep_house(housekeeping, redis_client)
    assert not services.blobs.has_image(sha256_of(IMAGE)), "now nothing needs it"


def test_a_picture_outlives_an_upload_that_finds_its_batch_lost(http, services, redis_client, housekeeping):
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE})
    redis_client.flushall()
    assert post_files(http, f"{batch}/files", {"a.png": IMAGE}).status_code == 404
    with services.image_uses.using(sha256_of(IMAGE)):
        pass
    keep_house(housekeeping, redis_client)
    assert services.blobs.has_image(sha256_of(IMAGE))


def test_a_picture_of_a_lost_question_stays_and_is_spoken_of_now_and_then(
    http, services, redis_client, housekeeping, caplog
):
    ask(http)
    redis_client.flushall()
    with services.image_uses.using(sha256_of(IMAGE)):
        pass
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            keep_house(housekeeping, redis_client)
        assert caplog.text.count(SAID) == 1
        housekeeping._wanting_is_due_s = 0.0
        keep_house(housekeeping, redis_client)
    assert caplog.text.count(SAID) == 2
    assert services.blobs.has_image(sha256_of(IMAGE))


def test_where_nothing_is_lost_images_go_from_the_first_look_on(http, services, redis_client, housekeeping):
    batch, other = new_batch(http), new_batch(http)
    send(http, batch, {"a.png": IMAGE})
    ask(http, image=IMAGE + b"\0")
    http.delete(batch)
    redis_client.delete(names.KNOWLEDGE, names.SEEN)
    keep_house(housekeeping, redis_client)
    assert http.get(other).status_code == 200
    assert not services.blobs.has_image(sha256_of(IMAGE))


def test_a_redis_of_an_older_version_that_was_started_anew_is_whole_when_it_has_caught_up(
    http, services, redis_client, housekeeping, caplog
):
    housekeeping.keep_house()
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE})
    # As a Redis has it that was updated, and has lost its last second.
    redis_client.delete(names.KNOWLEDGE, *redis_client.scan_iter("eva01:batch:*"))
    redis_client.hset(names.SEEN, "run_id", "of another")
    assert not Knowledge(JobStore(redis_client)).is_whole()
    with caplog.at_level(logging.ERROR):
        housekeeping.keep_house()
    assert http.get(batch).status_code == 200
    assert Knowledge(JobStore(redis_client)).is_whole()
    assert SAID not in caplog.text


def test_a_blob_store_that_is_away_at_the_first_look_is_looked_into_later(
    http, services, redis_client, housekeeping, caplog
):
    class Away(BlobStore):
        is_away = True

        def list_folders(self, prefix):
            if self.is_away:
                raise Unavailable("away", code=Code.BLOB_STORE_UNAVAILABLE)
            return super().list_folders(prefix)

    blobs = Away(services.blobs.url)
    services.journal._blobs = blobs
    ask(http)
    with pytest.raises(Unavailable):
        housekeeping.keep_house()
    assert RestartWatch(redis_client).is_blank()
    blobs.is_away = False
    with caplog.at_level(logging.ERROR):
        housekeeping.keep_house()
    assert Knowledge(JobStore(redis_client)).is_whole()
    assert SAID not in caplog.text


# Step by step


@pytest.fixture
def lost(backend) -> Batch:
    """A batch with a red image that Redis has lost; a red and a green image seem to be unused."""
    batch = backend.batch(RED)
    backend.answer_all()
    backend.client.flushall()
    seem_unused(backend, RED, GREEN)
    return batch


def seem_unused(backend: Backend, *contents: bytes) -> None:
    for content in contents:
        with backend.image_uses.using(sha256_of(content)):
            backend.blobs.put_image(sha256_of(content), content)


def removed_images(backend: Backend) -> int:
    backend.clock.now_s += SETTLE_S
    return backend.removal.run_once().images


def restore_of(backend: Backend) -> Restore:
    return Restore(backend.store, backend.journal)


def test_while_nobody_has_looked_no_image_goes(backend, lost):
    assert removed_images(backend) == 0
    assert backend.image_uses.begin_deletion(9) == sorted([sha256_of(RED), sha256_of(GREEN)]), (
        "none is locked"
    )


def test_what_is_unused_goes_when_all_is_back(backend, lost):
    list(restore_of(backend).run())
    assert removed_images(backend) == 1
    assert backend.images() == {sha256_of(RED)}
    flow.delete_batch(backend.stores, lost.id)
    backend.remove_all()
    backend.assert_empty()


def test_a_restore_that_was_interrupted_is_not_enough_and_a_second_one_is(backend, lost):
    other = backend.batch(GREEN)
    for _ in restore_of(backend).run():
        if backend.store.has_record(lost.id):
            break
    flow.delete_batch(backend.stores, other.id)
    assert removed_images(backend) == 0
    list(restore_of(backend).run())
    list(restore_of(backend).run())
    assert removed_images(backend) == 1
    assert backend.images() == {sha256_of(RED)}


def test_a_restore_of_late_jobs_alone_is_not_enough(backend, lost):
    list(restore_of(backend).run(datetime.now(UTC)))
    assert removed_images(backend) == 0


def test_a_look_does_not_count_while_a_restore_is_under_way(backend, lost):
    knowledge = Knowledge(backend.store)
    look, steps = knowledge.begin_look(), restore_of(backend).run()
    next(steps)
    knowledge.end(look, is_whole=True)
    assert (knowledge.is_whole(), knowledge.is_wanting()) == (False, True)
    list(steps)
    assert knowledge.is_whole()


def test_of_two_restores_the_first_to_end_has_brought_all_back(backend, lost):
    slow, knowledge = restore_of(backend).run(), Knowledge(backend.store)
    next(slow)
    list(restore_of(backend).run())
    assert knowledge.is_whole()
    list(slow)
    assert knowledge.is_whole()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_redis_that_is_wiped_during_a_restore_or_after_it_is_not_taken_for_whole(backend, lost, is_known):
    knowledge = Knowledge(backend.store)
    if is_known:
        list(restore_of(backend).run())
    steps = restore_of(backend).run()
    next(steps)
    backend.client.flushall()
    list(steps)
    assert not knowledge.is_whole()
    seem_unused(backend, RED)
    assert removed_images(backend) == 0


def test_a_redis_that_is_wiped_during_a_look_is_not_taken_for_whole(backend):
    knowledge = Knowledge(backend.store)
    look = knowledge.begin_look()
    backend.client.flushall()
    knowledge.end(look, is_whole=True)
    assert knowledge.is_open()


def test_what_is_taken_of_a_redis_that_was_wiped_just_then_is_let_go(backend):
    class Wiped(ImageUses):
        def begin_deletion(self, limit):
            self.redis.flushall()
            seem_unused(backend, RED)
            return super().begin_deletion(limit)

    backend.batch(RED)
    uses = Wiped(backend.client, backend.clock)
    removal = Removal(backend.store, uses, backend.blobs, backend.journal, SETTLE_S, backend.clock)
    assert removal.run_once().images == 0
    assert backend.images() == {sha256_of(RED)}
    backend.image_uses.claim(sha256_of(RED))


def test_another_programs_mark_counts_as_none(backend, lost):
    backend.client.sadd(names.KNOWLEDGE, "whole")
    assert removed_images(backend) == 0
    list(restore_of(backend).run())
    assert removed_images(backend) == 1


# Lives of a server


@pytest.fixture
def server(tmp_path):
    made = RedisServer(tmp_path)
    yield made
    made.stop()


@pytest.mark.process
def test_a_server_that_starts_anew_with_its_file_is_whole_when_it_was_looked_at(server):
    with connect(server.url) as client:
        knowledge, watch = Knowledge(JobStore(client)), RestartWatch(client)
        knowledge.end(knowledge.begin_look(), is_whole=True)
        watch.note()
        assert knowledge.is_whole()
        server.stop()
        server.start()
        assert not knowledge.is_whole(), "it may have forgotten what came last"
        watch.note()
        assert knowledge.is_whole()


@pytest.mark.process
def test_what_was_found_out_of_a_life_that_is_over_does_not_count(server):
    with connect(server.url) as client:
        knowledge = Knowledge(JobStore(client))
        claim = knowledge.begin_restore()
        server.stop()
        server.start()
        knowledge.end(claim, is_whole=True)
        assert (knowledge.is_whole(), knowledge.is_wanting()) == (False, True)
