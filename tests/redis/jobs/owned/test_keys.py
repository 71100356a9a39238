"""Keys in the blob store and in Redis: which of them is right, and what is left when one is away."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
import redis

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import KeyEnd, KeyState, NewKey, new_key
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, NotFound
from jobs.contract.models import utc_now
from jobs.storage.access.keys import Keys
from tests.backend import Backend

pytestmark = pytest.mark.redis


def made(backend: Backend, owner: str = "anna", **fields: object) -> NewKey:
    new = new_key(owner, **{"role": "admin", **fields})
    flow.add_key(backend.stores, new.key)
    return new


def test_a_text_is_kept_nowhere_and_finds_its_key(backend):
    new = made(backend)
    assert backend.stores.keys.find(new.text) == new.key
    everything = "".join(backend.client.hvals(names.KEYS)).encode()
    everything += b"".join(backend.blobs.get(path) for path in backend.blobs.list(""))
    assert new.text.removeprefix(new.key.prefix).encode() not in everything
    assert "digest" not in new.key.public(utc_now())


def test_the_first_key_is_an_admins_or_nobody_could_see_to_keys(backend):
    with pytest.raises(Conflict) as refused:
        made(backend, "ben", role="user")
    assert refused.value.code == Code.NO_ADMIN
    admin = made(backend)
    made(backend, "ben", role="user")
    flow.revoke_key(backend.stores, admin.key.prefix)
    with pytest.raises(Conflict):
        made(backend, "carl", role="user")


def test_a_key_that_redis_has_not_is_found_by_its_beginning_and_known_then(backend):
    new, other = made(backend), made(backend, "ben")
    backend.client.delete(names.KEYS)
    assert backend.stores.keys.find(new.text) == new.key
    assert backend.client.hkeys(names.KEYS) == [new.key.digest]
    assert backend.stores.keys.find(other.text[:-1] + "x") is None
    assert backend.stores.keys.find("../../batches/x") is None


def test_a_key_ended_while_redis_was_away_is_over_once_both_are_looked_at(backend):
    new = made(backend)
    away = Keys(None, backend.blobs)
    away.revoke(new.key.prefix)
    known = backend.stores.keys.find(new.text)
    assert known is not None
    assert known.revoked_at is None, "Redis has not heard of it"
    backend.stores.keys.bring_back()
    known = backend.stores.keys.find(new.text)
    assert known is not None
    assert known.state(utc_now()) is KeyState.REVOKED


def test_a_key_is_ended_in_a_full_redis_too(backend):
    new = made(backend)
    backend.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            backend.client.set("x", "y")
        flow.revoke_key(backend.stores, new.key.prefix)
        known = backend.stores.keys.find(new.text)
    finally:
        backend.client.config_set("maxmemory", "0")
    assert known is not None
    assert known.revoked_at is not None


def test_a_key_that_cannot_be_read_hides_no_other(backend):
    new = made(backend)
    backend.blobs.put("keys/eva01_aaaaaaaa.json", b"\xff no key")
    backend.client.hset(names.KEYS, "0" * 64, "no key")
    assert backend.stores.keys.all() == [new.key]
    backend.stores.keys.bring_back()
    assert backend.stores.keys.find(new.text) == new.key


def test_a_rotated_key_is_like_the_old_one_which_ends(backend):
    end = utc_now() + timedelta(days=3)
    old = made(backend, teams=("team",), quotas={"open_jobs": 5}, note="for the lab", expires_at=end)
    new = flow.rotate_key(backend.stores, old.key.prefix)
    alike = {"owner", "teams", "role", "quotas", "note", "expires_at"}
    assert new.key.model_dump(include=alike) == old.key.model_dump(include=alike)
    assert new.text != old.text
    assert backend.stores.keys.get(old.key.prefix).state(utc_now()) is KeyState.REVOKED
    with pytest.raises(Conflict) as refused:
        flow.rotate_key(backend.stores, old.key.prefix)
    assert refused.value.code == Code.KEY_HAS_ENDED


def test_a_rotated_key_may_stay_valid_for_a_while_and_never_longer_than_it_was(backend):
    old, brief = made(backend), made(backend, expires_at=utc_now() + timedelta(minutes=1))
    for key in (old, brief):
        flow.rotate_key(backend.stores, key.key.prefix, grace=timedelta(hours=1))
    left = [backend.stores.keys.get(key.key.prefix) for key in (old, brief)]
    assert all(key.state(utc_now()) is KeyState.VALID for key in left)
    assert left[0].state(utc_now() + timedelta(hours=2)) is KeyState.EXPIRED
    assert left[1].expires_at == brief.key.expires_at


def test_what_no_key_begins_with_is_not_found_and_not_a_path(backend):
    backend.blobs.put("secret.json", b"{}")
    for prefix in ("eva01_aaaaaaaa", "../secret", "", "eva01_aaaaaaaa\n", "x" * 10_000):
        with pytest.raises(NotFound) as refused:
            backend.stores.keys.get(prefix)
        assert refused.value.code == Code.KEY_NOT_FOUND


def test_a_revocation_is_not_lost_beside_a_rotation(backend):
    with ThreadPoolExecutor(2) as threads:
        for _ in range(20):
            new = made(backend)
            rotated = threads.submit(
                flow.rotate_key, backend.stores, new.key.prefix, grace=timedelta(hours=1)
            )
            threads.submit(flow.revoke_key, backend.stores, new.key.prefix).result(10)
            with suppress(Conflict):
                rotated.result(10)
            kept, known = backend.stores.keys.get(new.key.prefix), backend.stores.keys.find(new.text)
            assert kept.state(utc_now()) is KeyState.REVOKED
            assert known == kept


def test_of_several_ends_the_earliest_counts_and_a_revocation_before_all(backend):
    new, now = made(backend), utc_now()
    for hours in (5, 2, 9):
        backend.stores.keys.end(new.key.prefix, KeyEnd(expires_at=now + timedelta(hours=hours)))
    assert backend.stores.keys.get(new.key.prefix).expires_at == now + timedelta(hours=2)
    backend.stores.keys.revoke(new.key.prefix)
    backend.client.flushall()
    backend.stores.keys.bring_back()
    (key,) = backend.stores.keys.all()
    assert key.state(now) is KeyState.REVOKED
    assert backend.stores.keys.find(new.text) == key
