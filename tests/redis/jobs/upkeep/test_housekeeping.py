"""Housekeeping on a real server that is killed and comes back: nothing that was accepted stays lost."""

import json
import logging
from pathlib import Path

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import new_key
from jobs.contract.models import JobState
from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.flow.settle import STEP
from jobs.storage.connection.client import connect
from jobs.storage.tickets.leases import Leases
from jobs.upkeep.housekeeping import Housekeeping
from tests.apps import app_of
from tests.asking import IMAGE, ask, new_batch, send
from tests.chaos.servers import RedisServer
from tests.processes import wait_until
from web.server import housekeeping_of
from web.services import services_of

pytestmark = [pytest.mark.redis, pytest.mark.process]


@pytest.fixture
def server(tmp_path):
    made = RedisServer(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def http(server, tmp_path):
    settings = Settings(redis_url=server.url, data=tmp_path, blob_patience_s=0.2, lease_s=1)
    app = app_of(settings, Limits(), WebSettings(models=("nano",), housekeeping_s=1))
    yield app.test_client()
    services_of(app).store.redis.close()


@pytest.fixture
def housekeeping(services) -> Housekeeping:
    return housekeeping_of(services)


def written(server: RedisServer) -> tuple[Path, bytes]:
    """The server's file, and all it was told until now: with a slow disk it answers before it has written."""
    with connect(server.url) as client:
        wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0, "all is written")
    file = next((server.folder / "appendonlydir").glob("*.incr.aof"))
    return file, file.read_bytes()


def test_what_a_killed_redis_has_forgotten_comes_back(http, server, services, housekeeping, caplog):
    batch = new_batch(http)
    send(http, batch, {"early.png": IMAGE})
    housekeeping.keep_house()
    file, kept = written(server)
    send(http, batch, {"late.png": IMAGE, "refused.png": b"x"})
    lonely = ask(http).json["id"]
    later = new_batch(http)
    send(http, later, {"first.png": IMAGE})
    server.kill()
    file.write_bytes(kept)
    server.start()
    assert http.get(f"/api/jobs/{lonely}").status_code == 404, "the server has lost its end"
    housekeeping.keep_house()
    assert http.get(batch).json["counts"] == http.get(batch).json["counts"] | {"queued": 2, "failed": 1}
    assert http.get(later).json["counts"]["queued"] == 1
    assert http.get(f"/api/jobs/{lonely}").json["state"] == JobState.QUEUED
    assert services.queue.balance("nano").missing == 0
    assert "Restored 1 batches, 1 finished jobs and 3 to be answered." in caplog.text


def test_a_key_stays_ended_though_redis_has_forgotten_that(server, http, services, housekeeping):
    new = new_key("anna", role="admin")
    services.keys.add(new.key)
    housekeeping.keep_house()
    file, kept = written(server)
    flow.revoke_key(services, new.key.prefix)
    server.kill()
    file.write_bytes(kept)
    server.start()
    asked = {"headers": {"Authorization": f"Bearer {new.text}"}}
    assert http.get("/api/me", **asked).status_code == 200, "the server has lost its end"
    housekeeping.keep_house()
    assert http.get("/api/me", **asked).json["code"] == "key_is_over"


def test_a_redis_that_only_restarts_is_left_alone(http, server, services, housekeeping):
    send(http, new_batch(http), {"a.png": IMAGE})
    housekeeping.keep_house()
    before = services.queue.balance("nano")
    server.stop()
    server.start()
    housekeeping.keep_house()
    assert services.queue.balance("nano") == before


def test_an_empty_redis_beside_a_full_blob_store_is_left_to_people(http, services, housekeeping, caplog):
    send(http, new_batch(http), {"a.png": IMAGE})
    services.store.redis.flushall()
    with caplog.at_level(logging.ERROR):
        housekeeping.keep_house()
        housekeeping.keep_house()
    assert caplog.text.count("eva01 restore") == 1
    assert services.queue.depth("nano").waiting == 0


def test_a_first_batch_that_comes_before_the_first_look_is_no_alarm(http, housekeeping, caplog):
    send(http, new_batch(http), {"a.png": IMAGE})
    with caplog.at_level(logging.ERROR):
        housekeeping.keep_house()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("jobs.")] == []


def test_what_a_verb_on_a_whole_batch_has_left_to_do_is_done(http, services, housekeeping):
    batch = new_batch(http)
    send(http, batch, {f"{n}.png": IMAGE for n in range(2 * STEP)})
    assert http.post(f"{batch}/cancel").json["counts"]["cancelled"] == 2 * STEP
    assert services.store.unsettled_batches()
    housekeeping.keep_house()
    assert services.store.unsettled_batches() == []
    assert http.get(batch).json["counts"]["cancelled"] == 2 * STEP
    assert services.queue.depth("nano").waiting == 0


def test_lost_tickets_are_replaced_and_deleted_batches_removed(http, services, housekeeping):
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE})
    services.store.redis.delete(names.bulk_queue("nano"))
    for _ in range(3):
        housekeeping.keep_house()
    assert services.queue.depth("nano").bulk == 1
    http.delete(batch)
    housekeeping.keep_house()
    assert services.queue.depth("nano").bulk == 0, "what nobody wants does not wake a worker"


def die_holding(services, count: int) -> None:
    """Take tickets and jobs as a worker does, which then is heard of no more."""
    client = services.store.redis
    leases = Leases.of("nano", services.settings)
    queue = names.bulk_queue("nano")
    for number in range(count):
        client.rpop(queue)
        leases.hold(client, f"ticket {number}", json.dumps([{}, "", queue]))
        services.store.take("nano", f"ticket {number}")
        client.zadd(names.held_index_key("nano"), {f"ticket {number}": 1})


def test_what_dead_workers_held_waits_again_though_no_worker_is_left(http, services, housekeeping):
    batch = new_batch(http)
    send(http, batch, {f"{n}.png": IMAGE for n in range(3)})
    die_holding(services, 2)
    assert services.queue.depth("nano").held == 2

    def is_given_back() -> bool:
        housekeeping.keep_house()
        return services.queue.depth("nano").held == 0

    wait_until(is_given_back, "nobody is taken for a holder")
    assert services.queue.depth("nano").waiting == 3
    assert services.queue.balance("nano").missing == 0


def test_what_dead_workers_held_of_a_cancelled_batch_is_gone(http, services, housekeeping):
    batch = new_batch(http)
    send(http, batch, {f"{n}.png": IMAGE for n in range(3)})
    die_holding(services, 2)
    http.post(f"{batch}/cancel")

    def is_gone() -> bool:
        housekeeping.keep_house()
        depth = services.queue.depth("nano")
        return (depth.held, depth.waiting) == (0, 0)

    wait_until(is_gone, "nothing keeps a worker")


def test_what_the_autoscaler_reads_is_mended_though_no_worker_is_left(http, services, housekeeping):
    late = names.ready_of_late_key("nano")
    services.store.redis.set(late, "another program's")
    housekeeping.keep_house()
    assert services.store.redis.get(f"{late}:aside") == "another program's"
    assert services.store.redis.type(late) == "none"


def test_of_several_webs_one_keeps_house(server, services, housekeeping):
    other = housekeeping_of(services)
    assert housekeeping._turn.take()
    assert not other._turn.take()
    assert housekeeping._turn.take()
    housekeeping._turn.let_go()
    assert other._turn.take()


def test_housekeeping_waits_for_a_redis_that_is_away(server, services, housekeeping, caplog):
    housekeeping.start()
    server.stop()
    try:
        wait_until(lambda: "Housekeeping has to wait" in caplog.text, "it says that it waits")
    finally:
        server.start()
    with connect(server.url) as client:
        wait_until(lambda: client.exists(names.SEEN), "it goes on")
    services.stopping.set()
