"""Links to batches where they are kept: they go with their batch, and come back with it."""

from datetime import timedelta

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import LOCAL
from jobs.contract.access.shares import MadeShare, ShareState, new_share
from jobs.contract.models import utc_now
from jobs.upkeep.restore import Restore
from tests.backend import Backend

pytestmark = pytest.mark.redis


@pytest.fixture
def batch_id(backend: Backend) -> str:
    return backend.batch(b"one").id


def made(backend: Backend, batch_id: str, days: int = 1) -> MadeShare:
    """A link that is kept."""
    new = new_share(batch_id, LOCAL, utc_now() + timedelta(days=days), note="for Ben")
    backend.stores.shares.add(new.share, most=10)
    return new


def restore(backend: Backend) -> None:
    *_, _ = Restore(backend.store, backend.journal).run()


def test_two_links_have_nothing_in_common(backend, batch_id):
    one, other = made(backend, batch_id), made(backend, batch_id)
    assert one.token != other.token
    assert one.token not in one.share.model_dump_json()
    assert one.share.id not in (one.token, one.share.digest)


def test_links_come_back_with_a_redis_that_was_wiped(backend, batch_id):
    works, revoked = made(backend, batch_id), made(backend, batch_id)
    shares = backend.stores.shares
    shares.revoke(batch_id, revoked.share.id)
    before = shares.of_batch(batch_id)
    backend.client.flushall()
    assert shares.find(works.token) is None
    restore(backend)
    assert shares.of_batch(batch_id) == before
    assert shares.find(works.token) == works.share
    assert shares.find(revoked.token).state(utc_now()) is ShareState.REVOKED


def test_what_was_revoked_stays_so_though_redis_has_forgotten_that(backend, batch_id):
    new = made(backend, batch_id)
    key = names.share_key(new.share.digest)
    as_it_was = backend.client.hget(key, "record")
    backend.stores.shares.revoke(batch_id, new.share.id)
    backend.client.hset(key, "record", as_it_was)
    restore(backend)
    assert backend.stores.shares.find(new.token).state(utc_now()) is ShareState.REVOKED


def test_what_was_revoked_while_links_come_back_stays_so(backend, batch_id):
    new = made(backend, batch_id)
    as_it_was = backend.blobs.get(names.share_path(new.share.digest))
    backend.stores.shares.revoke(batch_id, new.share.id)
    # As a restore has read it that began before.
    backend.blobs.put(names.share_path(new.share.digest), as_it_was)
    restore(backend)
    assert backend.stores.shares.find(new.token).state(utc_now()) is ShareState.REVOKED


def test_many_links_come_back_some_at_a_time(backend, batch_id):
    new = [new_share(batch_id, LOCAL, utc_now() + timedelta(days=1)) for _ in range(501)]
    for one in new:
        backend.journal.note_share(one.share)
    assert list(backend.stores.shares.bring_back()) == [500, 1]
    assert len(backend.stores.shares.of_batch(batch_id)) == 501
    assert backend.stores.shares.find(new[-1].token) == new[-1].share


def test_links_go_with_their_batch(backend, batch_id):
    made(backend, batch_id)
    backend.stores.shares.note_use(made(backend, batch_id).share)
    flow.delete_batch(backend.stores, batch_id)
    backend.remove_all()
    backend.assert_empty()


def test_the_hour_of_the_last_use_is_noted(backend, batch_id):
    new, shares = made(backend, batch_id), backend.stores.shares
    shares.note_use(shares.find(new.token))
    used_at = shares.find(new.token).last_used_at
    assert used_at is not None
    assert (used_at.minute, used_at.second) == (0, 0)
    shares.revoke(batch_id, new.share.id)
    assert shares.find(new.token).last_used_at == used_at
    assert b"last_used_at" not in backend.blobs.get(names.share_path(new.share.digest))


def test_a_link_is_used_though_redis_takes_nothing(backend, batch_id):
    new, shares = made(backend, batch_id), backend.stores.shares
    backend.client.config_set("maxmemory", "1")
    try:
        shares.note_use(shares.find(new.token))
    finally:
        backend.client.config_set("maxmemory", "0")
    assert shares.find(new.token).last_used_at is None


def test_one_record_that_cannot_be_read_hides_no_other(backend, batch_id):
    lost, found = made(backend, batch_id), made(backend, batch_id)
    backend.client.hset(names.share_key(lost.share.digest), "record", "7")
    assert backend.stores.shares.of_batch(batch_id) == [found.share]
    assert backend.stores.shares.find(lost.token) is None
