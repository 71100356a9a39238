"""A Redis that is there and refuses to write: web says so, and reading goes on."""

import logging
import threading
from io import BytesIO
from typing import Any

import pytest
import redis

from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.storage.connection.client import connect
from tests.apps import app_of
from tests.asking import IMAGE, ask, new_batch, post_files, send
from tests.chaos.servers import RedisServer
from tests.processes import wait_until
from tests.redis.web.test_jobs import code_of
from tests.servers.refusing import EVERY, forbidding_scripts, full, unable_to_save
from web.server import housekeeping_of

pytestmark = [pytest.mark.redis, pytest.mark.process]


@pytest.fixture
def server(tmp_path):
    made = RedisServer(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def redis_client(server):
    with connect(server.url) as client:
        yield client


@pytest.fixture
def http(server, tmp_path):
    settings = Settings(redis_url=server.url, data=tmp_path, blob_patience_s=0.2)
    return app_of(settings, Limits(), WebSettings(models=("nano",), housekeeping_s=0.1)).test_client()


@pytest.mark.parametrize("refusing", EVERY)
def test_what_would_write_is_refused_with_what_redis_says_and_reading_goes_on(http, redis_client, refusing):
    batch = new_batch(http)
    (sent,) = send(http, batch, {"a.png": IMAGE})
    # A worker that fell silent: to look at the fleet is to read, too.
    redis_client.zadd("eva01:workers", {"silent": 1})
    assert http.get("/ready").status_code == 200
    with refusing(redis_client) as said:
        code = "redis_full" if refusing is full else "redis_refuses"
        refused = [
            http.post("/api/batches", json={"question": "?", "model": "nano"}),
            post_files(http, f"{batch}/files", {"b.png": IMAGE}),
            ask(http),
            http.get("/ready"),
        ]
        assert [code_of(response) for response in refused] == [(503, code)] * 4
        assert all(said in response.json["detail"] for response in refused)
        assert "Retry-After" in refused[0].headers
        assert said in http.get("/api/status").json["trouble"]
        for address in (batch, f"{batch}/results", f"{batch}/results.csv", f"/api/jobs/{sent['job_id']}"):
            assert http.get(address).status_code == 200, address
        for address in ("/", "/history", batch.removeprefix("/api"), "/api/models", "/api/status"):
            assert http.get(address).status_code == 200, address
    assert http.get("/ready").status_code == 200
    assert http.get("/api/status").json["trouble"] == ""
    (later,) = send(http, batch, {"b.png": IMAGE})
    assert later["state"] == "accepted"


@pytest.mark.parametrize("ending", ["", ".jsonl", ".csv", ".xlsx", ".zip"])
def test_results_that_redis_lets_nobody_read_are_refused_before_anything_is_sent(http, redis_client, ending):
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE})
    with forbidding_scripts(redis_client) as said:
        refused = http.get(f"{batch}/results{ending}")
        assert code_of(refused) == (503, "redis_refuses")
        assert said in refused.json["detail"]
    with http.get(f"{batch}/results{ending}") as read:
        assert read.status_code == 200


def test_a_database_that_redis_does_not_have_is_said(server, tmp_path):
    settings = Settings(redis_url=server.url.removesuffix("/0") + "/99", data=tmp_path)
    http = app_of(settings, Limits(), WebSettings(models=("nano",))).test_client()
    for response in (http.get("/ready"), http.get("/api/batches"), ask(http)):
        assert code_of(response) == (503, "redis_refuses")
        assert "the database that REDIS_URL names (DB index is out of range)" in response.get_json()["detail"]


def test_the_page_says_that_redis_is_full_in_the_readers_language(http, redis_client):
    def posted(language: str) -> Any:
        form = {"question": "?", "model": "nano", "files": (BytesIO(IMAGE), "a.png")}
        return http.post("/batches", data=form, headers={"Accept": "text/html", "Accept-Language": language})

    with full(redis_client):
        english, chinese = posted("en"), posted("zh")
    assert (english.status_code, chinese.status_code) == (503, 503)
    assert "Redis is full" in english.text
    assert "Redis 内存已满" in chinese.text


def test_a_batch_is_deleted_and_makes_room_while_redis_is_full(http, redis_client, caplog):
    caplog.set_level(logging.INFO)
    batch = new_batch(http)
    send(http, batch, {f"{number}.png": IMAGE for number in range(20)})
    services = http.application.extensions["eva01"]
    housekeeping = housekeeping_of(services)
    with full(redis_client):
        housekeeping.start()
        assert http.delete(batch).status_code == 204
        assert http.get(batch).status_code == 404
        wait_until(lambda: not list(redis_client.scan_iter("eva01:batch:*")), "its records are gone")
        wait_until(lambda: not list(redis_client.scan_iter("eva01:image:*")), "its images are gone")
    wait_until(lambda: redis_client.exists("eva01:seen"), "house is kept again")
    services.stopping.set()
    wait_until(lambda: not any(one.name == "housekeeping" for one in threading.enumerate()), "it has ended")
    assert caplog.text.count("Housekeeping has to wait") == 1
    assert "Traceback" not in caplog.text


def test_a_connection_that_is_looked_after_is_alive_when_redis_refuses_to_be_pinged(redis_client):
    connection = redis_client.connection_pool.get_connection()
    with unable_to_save(redis_client), pytest.raises(redis.ResponseError, match="MISCONF"):
        redis_client.ping()
    with unable_to_save(redis_client):
        connection.next_health_check = 0
        connection.check_health()
    redis_client.connection_pool.release(connection)
