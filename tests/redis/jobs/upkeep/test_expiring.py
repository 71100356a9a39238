"""What goes at a time of its own, on a real server: nothing early, nothing in use, and then all of it."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from jobs import flow
from jobs.contract.asking.order import Order, SentFile
from jobs.contract.models import Batch, utc_now
from jobs.upkeep.expiring import Expiring
from tests.backend import DAY_S, SETTLE_S, Backend

pytestmark = pytest.mark.redis

HOUR_S = 3600.0


@pytest.fixture
def expiring(backend: Backend) -> Expiring:
    return Expiring(backend.stores, 30 * DAY_S, SETTLE_S, backend.clock)


def now(backend: Backend) -> datetime:
    return datetime.fromtimestamp(backend.clock.now_s, UTC)


def sent(backend: Backend, **life: float) -> SentFile:
    """A file that has come now, and is to live so long."""
    expires_at = now(backend) + timedelta(**life) if life else None
    file = SentFile(name="a.jsonl", size_bytes=2, lines=1, created_at=now(backend), expires_at=expires_at)
    backend.stores.sent_files.put(file, BytesIO(b"{}"))
    return file


def ordered(backend: Backend, file: SentFile, life_s: int | None) -> Batch:
    """A batch of a file, with one image, whose answers are to live so long."""
    batch = backend.batch(b"red")
    order = Order(
        batch_id=batch.id,
        file=file,
        endpoint="/v1/chat/completions",
        window="24h",
        expires_at=now(backend) + timedelta(days=1),
        output_expires_after_s=life_s,
    )
    backend.stores.orders.begin(order)
    return batch


def is_filled(backend: Backend, batch: Batch) -> None:
    (order,) = backend.stores.orders.of([batch.id]).values()
    backend.stores.orders.note(order.model_copy(update={"is_filled": True}))
    flow.close_batch(backend.stores, batch.id)


def files(backend: Backend) -> set[str]:
    return set(backend.blobs.list("files"))


def test_a_file_is_deleted_when_its_time_is_over_and_no_other_is(backend, expiring):
    _, late, plain = sent(backend, hours=1), sent(backend, hours=3), sent(backend)
    backend.clock.now_s += HOUR_S
    expiring.run_once()
    assert len(files(backend)) == 6, "a request that has just found it may be about to use it"
    backend.clock.now_s += SETTLE_S + 1
    expiring.run_once()
    assert files(backend) == {f"files/-/{one.id}.{end}" for one in (late, plain) for end in ("json", "jsonl")}


def test_files_go_with_their_retention_also_when_nothing_is_known_of_them(backend, expiring):
    # When such a file came only its id says.
    backend.clock.now_s = utc_now().timestamp()
    file = sent(backend)
    backend.blobs.put(f"files/-/{file.id}.json", b"?")
    expiring.run_once()
    assert len(files(backend)) == 2
    backend.clock.now_s += 31 * DAY_S
    expiring.run_once()
    assert files(backend) == set()


def test_a_file_stays_until_the_last_of_its_lines_is_read(backend, expiring):
    file = sent(backend, hours=1)
    batch = ordered(backend, file, None)
    backend.clock.now_s += 31 * DAY_S
    expiring.run_once()
    assert backend.stores.sent_files.piece(file, 0) == b"{}"
    is_filled(backend, batch)
    expiring.run_once()
    assert files(backend) == set()


def test_a_batch_goes_with_its_answers_so_long_after_its_end_and_leaves_nothing(backend, expiring):
    batch = ordered(backend, sent(backend, hours=1), 3600)
    other = backend.batch(b"red")
    is_filled(backend, batch)
    backend.clock.now_s += 10 * HOUR_S
    backend.answer_all()
    backend.stores.orders.end(batch.id)
    backend.clock.now_s += HOUR_S - 1
    expiring.run_once()
    assert backend.remove_all().batches == 0
    backend.clock.now_s += 2
    expiring.run_once()
    assert backend.store.get_batches([batch.id, other.id]) == backend.store.get_batches([other.id])
    assert backend.remove_all().batches == 1
    expiring.run_once()
    assert backend.stores.orders.expiring() == []
    backend.store.mark_removed(other.id)
    backend.remove_all()
    backend.assert_empty()


def test_what_waits_or_runs_or_is_still_read_keeps_its_batch(backend, expiring):
    batch = ordered(backend, sent(backend), 3600)
    backend.answer_all()
    backend.clock.now_s += 10 * HOUR_S
    expiring.run_once()
    assert backend.store.get_batch(batch.id), "lines of its file may be left"
    waiting, running = backend.add(batch, b"blue", "b.png"), backend.take()
    is_filled(backend, batch)
    backend.stores.orders.end(batch.id)
    backend.clock.now_s += 10 * HOUR_S
    expiring.run_once()
    assert backend.store.get_batch(batch.id).total == 2
    assert running.id == waiting.id
    backend.finish(running)
    expiring.run_once()
    assert backend.store.get_batch(batch.id).total == 2
    backend.clock.now_s += HOUR_S + 1
    expiring.run_once()
    assert backend.store.get_batches([batch.id]) == []


def test_a_batch_that_redis_has_lost_goes_when_it_is_back(backend, expiring):
    batch = ordered(backend, sent(backend), 3600)
    backend.stores.orders.end(batch.id)
    backend.client.flushdb()
    backend.clock.now_s += 2 * HOUR_S
    expiring.run_once()
    assert backend.stores.orders.expiring() == [batch.id]
