"""The users of an image, on a real server: an image in use is never deleted, in any interleaving."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from jobs.contract import names
from jobs.contract.errors import Unavailable
from jobs.contract.models import Job
from jobs.storage.image_uses import ImageUses
from jobs.storage.store import JobStore
from tests.processes import wait_until

pytestmark = pytest.mark.redis

SHA, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def uses(redis_client, clock) -> ImageUses:
    return ImageUses(redis_client, clock, patience_s=0)


def unused(client) -> list[str]:
    return client.zrange(names.UNUSED_IMAGES, 0, -1)


def make_unused(uses: ImageUses, *sha256s: str) -> None:
    for sha256 in sha256s:
        uses.release(uses.claim(sha256), sha256)


def expire_locks(client) -> None:
    """Let all locks expire at once."""
    for key in client.scan_iter(names.image_deleter_key("*")):
        client.pexpire(key, 1)
    wait_until(lambda: not list(client.scan_iter(names.image_deleter_key("*"))), "the locks expire")


def test_an_upload_that_makes_no_job_leaves_an_unused_image_and_nothing_else(uses, redis_client):
    make_unused(uses, SHA)
    assert unused(redis_client) == [SHA]
    assert set(redis_client.scan_iter("*")) == {names.UNUSED_IMAGES}


def test_an_upload_that_makes_a_job_leaves_the_image_in_use(uses, redis_client, clock):
    with uses.using(SHA):
        job, _ = JobStore(redis_client, clock).create_job(
            Job(file="a.png", question="q", model="nano", images=(SHA,))
        )
    assert redis_client.smembers(names.image_uses_key(SHA)) == {job.id}
    assert not unused(redis_client)
    assert not redis_client.exists(names.IMAGE_CLAIMS)


def test_an_image_that_is_claimed_again_is_not_deleted(uses, redis_client):
    make_unused(uses, SHA, OTHER)
    claim = uses.claim(SHA)
    assert uses.begin_deletion(10) == [OTHER]
    assert unused(redis_client) == [OTHER]
    uses.release(claim, SHA)
    assert uses.begin_deletion(10) == [SHA]


def test_of_two_uploads_of_one_image_the_last_leaves_it_unused(uses, redis_client):
    first, second = uses.claim(SHA), uses.claim(SHA)
    uses.release(first, SHA)
    assert not unused(redis_client)
    uses.release(second, SHA)
    assert unused(redis_client) == [SHA]


def test_releasing_twice_changes_nothing(uses, redis_client):
    claim = uses.claim(SHA)
    uses.release(claim, SHA)
    uses.begin_deletion(1)
    uses.end_deletion([SHA])
    uses.release(claim, SHA)
    assert not list(redis_client.scan_iter("*"))


def test_an_image_that_is_being_deleted_cannot_be_claimed(uses, redis_client):
    make_unused(uses, SHA)
    uses.begin_deletion(1)
    with pytest.raises(Unavailable) as refused:
        uses.claim(SHA)
    assert refused.value.code == "image_being_deleted"
    assert not redis_client.exists(names.image_uses_key(SHA), names.IMAGE_CLAIMS)
    uses.end_deletion([SHA])
    assert uses.claim(SHA)


def test_an_upload_waits_until_the_deletion_is_over(uses, redis_client):
    make_unused(uses, SHA)
    uses.begin_deletion(1)
    patient = ImageUses(redis_client, patience_s=60)
    with ThreadPoolExecutor(1) as threads:
        claiming = threads.submit(patient.claim, SHA)
        assert not claiming.done()
        assert uses.end_deletion([SHA]) == 1
        claim = claiming.result(60)
    assert redis_client.smembers(names.image_uses_key(SHA)) == {claim}


def test_no_more_than_asked_for_are_taken_the_oldest_first(uses, clock):
    for second, sha256 in enumerate((OTHER, SHA)):
        clock.now_s += second
        make_unused(uses, sha256)
    assert uses.begin_deletion(1) == [OTHER]


def test_what_could_not_be_deleted_stays_noted_and_can_be_claimed(uses, redis_client):
    make_unused(uses, SHA)
    uses.begin_deletion(1)
    assert uses.end_deletion([SHA], is_deleted=False) == 1
    assert unused(redis_client) == [SHA]
    assert uses.claim(SHA)


def test_what_a_deleter_took_and_never_ended_is_deleted_by_the_next(uses, redis_client):
    make_unused(uses, SHA)
    dead = ImageUses(redis_client)
    assert dead.begin_deletion(1) == [SHA]
    assert uses.begin_deletion(1) == []
    assert 0 < redis_client.ttl(names.image_deleter_key(SHA)) <= 60
    expire_locks(redis_client)
    assert uses.begin_deletion(1) == [SHA]


def test_a_deleter_that_slept_does_not_end_the_deletion_of_another(uses, redis_client):
    make_unused(uses, SHA)
    sleeper = ImageUses(redis_client)
    sleeper.begin_deletion(1)
    expire_locks(redis_client)
    uses.begin_deletion(1)
    assert sleeper.end_deletion([SHA]) == 0
    assert unused(redis_client) == [SHA]
    with pytest.raises(Unavailable):
        uses.claim(SHA)


def test_the_claims_of_a_server_that_died_are_given_up_after_an_hour(uses, redis_client, clock):
    uses.claim(SHA)
    clock.now_s += 3000
    living = uses.claim(OTHER)
    assert uses.drop_stale_claims() == 0
    clock.now_s += 601
    assert uses.drop_stale_claims() == 1
    assert unused(redis_client) == [SHA]
    assert redis_client.smembers(names.image_uses_key(OTHER)) == {living}


# What somebody else has written


@pytest.mark.parametrize("ttl_s", [None, 1_000_000])
@pytest.mark.parametrize("is_text", [True, False])
def test_what_is_no_deleters_keeps_an_image_neither_from_uploads_nor_from_being_deleted(
    uses, redis_client, is_text, ttl_s
):
    make_unused(uses, SHA)
    lock = names.image_deleter_key(SHA)
    redis_client.set(lock, "x") if is_text else redis_client.hset(lock, "x", "x")
    if ttl_s:
        redis_client.expire(lock, ttl_s)
    uses.release(uses.claim(SHA), SHA)
    assert uses.begin_deletion(1) == [SHA]
    assert uses.end_deletion([SHA]) == 1
    assert not [*redis_client.scan_iter("*")]


def test_a_lock_that_becomes_something_else_is_no_longer_the_deleters(uses, redis_client):
    make_unused(uses, SHA, OTHER)
    uses.begin_deletion(2)
    redis_client.delete(names.image_deleter_key(SHA))
    redis_client.hset(names.image_deleter_key(SHA), "x", "x")
    assert uses.end_deletion([SHA, OTHER]) == 1
    assert unused(redis_client) == [SHA]


def test_another_thing_in_place_of_an_images_uses_keeps_it_and_its_jobs_are_made(store, uses, redis_client):
    redis_client.set(names.image_uses_key(SHA), "x")
    with uses.using(SHA):
        job, _ = store.create_job(Job(file="a.png", question="q", model="nano", images=(SHA,)))
    assert store.get_job(job.id).images == (SHA,)
    assert store.remove_job(job.id)
    assert uses.begin_deletion(10) == []
    redis_client.delete(names.image_uses_key(SHA))
    make_unused(uses, SHA)
    assert uses.begin_deletion(10) == [SHA]


def test_what_is_no_image_is_not_deleted_and_is_in_nobodys_way(uses, redis_client, caplog):
    forged = [
        b"",
        b"x",
        b"../../etc/passwd",
        b"\xff\xfe",
        b"AB" * 32,
        b"ab" * 33,
        b"a\0" * 32,
        b"x" * 100_000,
    ]
    redis_client.zadd(names.UNUSED_IMAGES, dict.fromkeys(forged, float("-inf")))
    make_unused(uses, SHA)
    assert [uses.begin_deletion(len(forged)), uses.begin_deletion(1)] == [[], [SHA]]
    assert "unused_images cannot be read" in caplog.text


def test_what_is_no_claim_is_not_given_up_and_keeps_no_other(uses, redis_client, clock, caplog):
    forged = [
        b"",
        b"x",
        b"/",
        b"../../x/claim:1",
        b"\xff",
        f"{SHA}/claim:x".encode(),
        f"{SHA}/{'0' * 32}".encode(),
    ]
    redis_client.zadd(names.IMAGE_CLAIMS, dict.fromkeys(forged, float("-inf")))
    uses.claim(SHA)
    clock.now_s += 3601
    assert uses.drop_stale_claims() == 1
    assert unused(redis_client) == [SHA]
    assert redis_client.zcard(names.IMAGE_CLAIMS) == len(forged)
    assert "image_claims cannot be read" in caplog.text


class Failing(redis.Redis):
    """A client whose scripts fail once it is told so."""

    is_away = False

    def execute_command(self, *args, **options):
        if self.is_away:
            raise redis.ConnectionError("away")
        return super().execute_command(*args, **options)


def test_an_upload_whose_claim_cannot_be_released_has_succeeded_all_the_same(redis_url, redis_client, clock):
    client = Failing.from_url(redis_url, decode_responses=True)
    assert isinstance(client, Failing)
    uses = ImageUses(client, clock)
    with uses.using(SHA):
        client.is_away = True
    client.is_away = False
    clock.now_s += 3601
    assert uses.drop_stale_claims() == 1
    assert unused(redis_client) == [SHA]
    client.close()
