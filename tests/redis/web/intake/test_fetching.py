"""Images at addresses, sent to the API beside files: what comes of each, in the order of the form."""

import asyncio
import io
import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import httpx
import pytest
from click.testing import CliRunner
from flask import Flask
from gunicorn.config import Config
from hypothesis import given, settings
from PIL import Image
from prometheus_client import REGISTRY
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder

from eva01 import Address, Client
from eva01.cli.main import eva01 as cli
from jobs import log
from jobs.contract.settings import Limits, WebSettings
from scripts.fuzzing import originals
from tests import plain
from tests.asking import IMAGE, ask, id_of, new_batch, post_files
from tests.files import hostile
from tests.files.damaging import damaged
from tests.processes import wait_until
from tests.redis.web.test_jobs import code_of
from tests.servers.internet import Visit
from tests.servers.serving import Serving
from web.front.front import Front
from web.http.waiting import PAUSES
from web.services import services_of

pytestmark = pytest.mark.redis

ADDRESS = "https://images.example.org/"
OTHER = hostile.encoded(size=(9, 9))


def give(body: bytes, **headers: str):
    return lambda visit: visit.give(body, **headers)


@pytest.fixture
def http(make_http):
    return make_http()


@pytest.fixture
def batch(http) -> str:
    return new_batch(http)


def send(http, batch: str, *parts: str | tuple[str, bytes]) -> list[dict]:
    """Send addresses, and files by name and content; gives the outcome of each."""
    # A part without a file name is a field, as curl's -F writes it.
    fields = [("url", (None, part.encode())) if isinstance(part, str) else ("files", part) for part in parts]
    form = httpx.Request("POST", "http://web", files=fields)
    sent = http.post(f"{batch}/files", data=form.read(), content_type=form.headers["Content-Type"])
    assert sent.status_code == 202, sent.text
    return sent.json["files"]


def codes(outcomes: list[dict]) -> list[str | None]:
    return [one["error"] and one["error"]["code"] for one in outcomes]


def test_an_image_at_an_address_is_taken_like_one_that_was_sent(http, batch, internet):
    internet.pages["images.example.org/cats/a.png?signature=secret"] = give(IMAGE)
    (outcome,) = send(http, batch, f"{ADDRESS}cats/a.png?signature=secret")
    assert (outcome["file"], outcome["state"]) == ("images.example.org/cats/a.png", "accepted")
    assert http.get(f"/api/jobs/{outcome['job_id']}/image").data == IMAGE


def test_of_damaged_bytes_at_an_address_the_same_is_said_as_of_a_file(http, internet):
    @settings(max_examples=10, derandomize=True, deadline=None, database=None)
    @given(damaged(originals.written()))
    def the_same_is_said(files):
        fetched, sent = new_batch(http), new_batch(http)
        for file in files:
            internet.pages[f"images.example.org/{file.name}"] = give(file.content)
        of_addresses = send(http, fetched, *(f"{ADDRESS}{file.name}" for file in files))
        of_files = send(http, sent, *((f"images.example.org/{file.name}", file.content) for file in files))
        said = [[(one["file"], one["error"]) for one in outcomes] for outcomes in (of_addresses, of_files)]
        assert said[0] == said[1]
        assert {one["file"].partition("#")[0] for one in of_files} == {
            f"images.example.org/{one.name}" for one in files
        }

    the_same_is_said()


def test_addresses_and_files_are_told_of_in_the_order_in_which_they_were_sent(http, batch, internet):
    internet.pages["images.example.org/1.png"] = give(IMAGE)
    internet.pages["images.example.org/4.png"] = give(OTHER)
    rows = send(
        http,
        batch,
        f"{ADDRESS}1.png",
        ("2.png", IMAGE),
        f"{ADDRESS}3.png",
        f"{ADDRESS}4.png",
        ("5.png", OTHER),
    )
    assert [row["file"].rsplit("/")[-1] for row in rows] == ["1.png", "2.png", "3.png", "4.png", "5.png"]
    assert codes(rows) == [None, None, "fetch_failed", None, None]


def test_each_address_that_is_refused_is_a_row_with_its_reason(http, batch, internet):
    internet.names["inside.example.org"] = ["10.0.0.7"]
    internet.pages["images.example.org/words"] = give(b"<html>no image</html>", Content_Type="image/png")
    internet.pages["images.example.org/nothing"] = give(b"")
    rows = send(
        http,
        batch,
        "http://images.example.org/a.png",
        "https://anna:secret@images.example.org/a.png",
        "no address",
        "https://inside.example.org/a.png",
        "https://images.example.org:8443/a.png",
        f"{ADDRESS}missing.png?signature=secret",
        f"{ADDRESS}words",
        f"{ADDRESS}nothing",
    )
    assert codes(rows) == [
        *("bad_url", "bad_url", "bad_url", "no_public_address", "url_not_allowed", "fetch_failed"),
        *("not_an_image", "empty_file"),
    ]
    assert {row["state"] for row in rows} == {"rejected"}
    assert "inside.example.org" in rows[3]["error"]["message"]
    assert "secret" not in str(rows)
    listed = http.get(f"{batch}/results").json["jobs"]
    assert [job["error"]["code"] for job in listed] == codes(rows)


def test_an_address_that_is_sent_again_makes_no_second_row(http, batch, internet):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    addresses = f"{ADDRESS}a.png", f"{ADDRESS}missing.png?size=1", f"{ADDRESS}missing.png?size=2"
    first, again = send(http, batch, *addresses), send(http, batch, *addresses)
    assert [row["is_new"] for row in first] == [True] * 3
    assert [row["is_new"] for row in again] == [False] * 3
    assert [row["job_id"] for row in first] == [row["job_id"] for row in again]


def test_an_address_that_ends_as_a_zip_is_an_image_or_nothing(http, batch, internet):
    internet.pages["images.example.org/a.zip"] = give(IMAGE)
    internet.pages["images.example.org/b.zip"] = give(hostile.zipped({"c.png": IMAGE}))
    assert codes(send(http, batch, f"{ADDRESS}a.zip", f"{ADDRESS}b.zip")) == [None, "unsupported_format"]


def test_each_page_of_a_file_at_an_address_is_a_row(http, batch, internet):
    file = io.BytesIO()
    pages = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    internet.pages["images.example.org/fax.tiff"] = give(file.getvalue())
    assert [row["page"] for row in send(http, batch, f"{ADDRESS}fax.tiff")] == [1, 2]


def test_a_question_of_its_own_is_found_by_what_the_image_is_called(http, batch, internet):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    form = httpx.Request(
        "POST",
        "http://web",
        data={"url": f"{ADDRESS}a.png", "questions": '{"images.example.org/a.png": "Why?"}'},
    )
    sent = http.post(f"{batch}/files", data=form.read(), content_type=form.headers["Content-Type"])
    assert sent.json["unused_questions"] == []
    assert http.get(f"/api/jobs/{sent.json['files'][0]['job_id']}").json["question"] == "Why?"


def test_addresses_count_as_files(make_http, internet):
    http = make_http(limits={"max_files_per_request": 2})
    sent = http.post(f"{new_batch(http)}/files", data={"url": [f"{ADDRESS}{number}" for number in range(3)]})
    assert code_of(sent) == (413, "too_many_files")
    assert internet.looked_up == []


def test_nothing_is_fetched_for_a_batch_that_takes_no_more(http, batch, internet):
    http.post(f"{batch}/close")
    assert code_of(http.post(f"{batch}/files", data={"url": ADDRESS})) == (409, "batch_closed")
    assert internet.looked_up == []


def test_a_batch_that_is_closed_meanwhile_takes_no_image(http, batch, internet):
    def close(visit: Visit) -> None:
        http.application.test_client().post(f"{batch}/close")
        visit.give(IMAGE)

    internet.pages["images.example.org/a.png"] = close
    assert code_of(http.post(f"{batch}/files", data={"url": f"{ADDRESS}a.png"})) == (409, "batch_closed")


def test_without_a_list_nothing_is_fetched_and_it_is_said_how(make_app):
    http = make_app().test_client()
    (row,) = send(http, new_batch(http), f"{ADDRESS}a.png")
    assert codes([row]) == ["fetch_is_off"]
    assert "EVA01_FETCH_ALLOW" in row["error"]["message"]


def test_where_nothing_is_fetched_no_address_takes_a_turn(make_app):
    """They took seconds of a thousand long ones, and the last were told that it had taken too long."""
    http = make_app().test_client()
    turns = REGISTRY.get_sample_value("eva01_fetch_seconds_count")
    rows = send(http, new_batch(http), ("c.png", IMAGE), f"{ADDRESS}a.png", f"{ADDRESS}b.png")
    assert codes(rows) == [None, "fetch_is_off", "fetch_is_off"]
    assert REGISTRY.get_sample_value("eva01_fetch_seconds_count") == turns


@pytest.mark.parametrize("address", ["/api/jobs", "/analyze"])
def test_one_image_at_an_address_can_be_asked_about(http, internet, address):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    form = {"url": f"{ADDRESS}a.png", "question": "What?", "model": "nano"}
    asked = http.post(address, data=form | ({"wait": "0"} if address == "/analyze" else {}))
    assert asked.status_code == 202, asked.text
    assert asked.json["file"] == "images.example.org/a.png"
    assert http.get(f"/api/jobs/{asked.json['id']}/image").data == IMAGE


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_an_address_may_come_in_any_form(http, internet, kind):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    form = {"url": f"{ADDRESS}a.png", "question": "What?"}
    assert http.post("/api/jobs", data=form, content_type=kind).status_code == 202


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://images.example.org/", (400, "bad_url")),
        ("https://10.0.0.7/", (422, "no_public_address")),
        (f"{ADDRESS}missing", (422, "fetch_failed")),
        ("https://images.example.org:1/", (403, "url_not_allowed")),
    ],
)
def test_one_address_that_is_refused_is_a_problem(http, url, expected):
    assert code_of(http.post("/api/jobs", data={"url": url, "question": "What?"})) == expected


def test_an_address_beside_a_file_is_another_image_of_the_job(http, internet):
    internet.pages["images.example.org/b.png"] = give(OTHER)
    job = ask(http, url=f"{ADDRESS}b.png").json
    # Fields of text come before the files in this form.
    assert [image["file"] for image in job["images"]] == ["images.example.org/b.png", "a.png"]
    refused = ask(http, url=f"{ADDRESS}missing")
    assert code_of(refused) == (422, "fetch_failed")
    assert refused.json["detail"].startswith("Image 1 of 2, images.example.org/missing: ")


def test_an_address_that_comes_as_a_file_is_refused(http):
    sent = post_files(http, "/api/jobs", {"a.png": IMAGE}, field="url", question="What?")
    assert code_of(sent) == (400, "invalid_field")


def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_fetched(http, internet):
    assert code_of(http.post("/api/jobs", data={"url": ADDRESS, "model": "none"})) == (422, "unknown_model")
    assert internet.looked_up == []


class Ahead:
    """A clock that a test may set ahead."""

    passed_s = 0.0

    def monotonic(self) -> float:
        return monotonic() + self.passed_s


def test_images_of_a_request_that_take_too_long_are_refused_one_by_one(make_http, internet, monkeypatch):
    http, end = make_http(fetch_s=300, fetch_request_s=300, fetch_at_a_time=4), threading.Event()
    clock = Ahead()
    monkeypatch.setattr("web.intake.fetching.time", clock)

    def never(visit: Visit) -> None:
        clock.passed_s = 299.7
        # Whoever gets a beginning looks how long the rest may take.
        visit.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nx")
        end.wait(60)

    internet.pages["images.example.org/quick.png"] = give(IMAGE)
    internet.pages["images.example.org/never.png"] = never
    rows = send(http, new_batch(http), f"{ADDRESS}quick.png", f"{ADDRESS}never.png", f"{ADDRESS}quick.png?2")
    end.set()
    assert codes(rows) == [None, "fetch_too_slow", "fetch_too_slow"]


def test_images_of_a_request_have_as_many_bytes_as_a_request_may(make_http, internet):
    http = make_http(limits={"max_request_bytes": 3000})
    for number in range(3):
        internet.pages[f"images.example.org/{number}"] = give(IMAGE + bytes(1200))
    rows = send(http, new_batch(http), *(f"{ADDRESS}{number}" for number in range(3)))
    assert codes(rows).count("request_too_large") == 3 - 3000 // (len(IMAGE) + 1200)


def test_an_image_that_is_too_large_is_refused_as_one_that_was_sent(make_app, internet):
    most = len(IMAGE) - 1
    fetcher = internet.fetcher("*", limits=Limits(max_image_bytes=most))
    http = make_app(WebSettings(models=("nano",)), fetcher, max_image_bytes=most).test_client()
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    rows = send(http, new_batch(http), f"{ADDRESS}a.png", ("a.png", IMAGE))
    assert codes(rows) == ["image_too_large", "image_too_large"]


def test_no_thread_of_web_waits_while_images_are_fetched(make_http, internet):
    http, ready = make_http(web_threads=1, fetch_s=300, fetch_request_s=300), threading.Event()
    batch = new_batch(http)

    def late(visit: Visit) -> None:
        ready.wait(300)
        visit.give(IMAGE)

    for number in range(8):
        internet.pages[f"images.example.org/{number}.png"] = late
    with fronted(http.application) as server, ThreadPoolExecutor(4) as senders:
        sent = [
            senders.submit(plain.post, f"{server}{batch}/files", data={"url": f"{ADDRESS}{number}.png"})
            for number in range(4)
        ]
        wait_until(lambda: len(internet.visits) == 4, "all four are being fetched")
        for _ in range(20):
            assert plain.get(f"{server}{batch}").status_code == 200
        assert not any(one.done() for one in sent)
        ready.set()
        rows = [one.result().json()["files"][0] for one in sent]
    assert [row["state"] for row in rows] == ["accepted"] * 4


def test_a_server_told_to_stop_answers_whom_it_fetches_for(make_http, internet):
    http, end = make_http(fetch_at_a_time=4), threading.Event()
    batch = new_batch(http)

    def late(visit: Visit) -> None:
        services_of(http.application).stopping.set()
        end.wait(0.2)
        visit.give(IMAGE)

    internet.pages["images.example.org/a.png"] = late
    assert codes(send(http, batch, f"{ADDRESS}a.png", f"{ADDRESS}b.png")) == [None, "fetch_too_slow"]


@contextmanager
def fronted(app: Flask) -> Iterator[str]:
    """The app behind web's own front, in a thread; gives its address."""
    listener, loop = socket.create_server(("127.0.0.1", 0)), asyncio.new_event_loop()

    async def begin() -> tuple[Front, asyncio.Server]:
        front = Front(app, Config())
        return front, await front.serve(listener)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    front, server = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)

    async def end() -> None:
        server.close()
        await front.stop(30)

    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def test_lines_of_the_log_about_an_address_say_whose_request_it_is_and_no_more_than_its_host(
    http, batch, caplog
):
    said: list[object] = []

    class Saying(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(log.context()["batch_id"])

    logger = logging.getLogger("web.fetch.fetcher")
    handler = Saying()
    logger.addHandler(handler)
    with caplog.at_level(logging.INFO, logger.name):
        send(http, batch, f"{ADDRESS}a.png?signature=secret")
    logger.removeHandler(handler)
    assert said == [id_of(batch)]
    assert "images.example.org" in caplog.text
    assert "secret" not in caplog.text


def test_nothing_that_was_fetched_stays_on_the_disk(http, batch, internet):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    send(http, batch, f"{ADDRESS}a.png", f"{ADDRESS}missing.png")
    assert list(services_of(http.application).spool_folder.iterdir()) == []


def test_a_caller_who_goes_away_leaves_nothing_open(http, batch, internet):
    end = threading.Event()
    internet.pages["images.example.org/a.png"] = lambda visit: end.wait(60)
    environ = EnvironBuilder(f"{batch}/files", method="POST", data={"url": f"{ADDRESS}a.png"}).get_environ()
    pieces = http.application.wsgi_app(environ | {PAUSES: True}, lambda status, headers: None)
    assert next(iter(pieces)) == b""
    wait_until(lambda: internet.visits, "it is being fetched")
    pieces.close()
    end.set()
    turns = {"state": "running"}
    wait_until(
        lambda: not REGISTRY.get_sample_value("eva01_fetch_turns", turns), "nothing is fetched any more"
    )
    assert http.get(batch).json["total"] == 0


def test_the_same_request_with_another_address_under_one_key_is_refused(http, batch, internet):
    for name in "ab":
        internet.pages[f"images.example.org/{name}"] = give(IMAGE)
    send_one = [
        http.post(f"{batch}/files", data={"url": f"{ADDRESS}{name}"}, headers={"Idempotency-Key": "k"})
        for name in "aab"
    ]
    assert [sent.status_code for sent in send_one] == [202, 202, 422]
    assert len(internet.visits) == 1


def test_the_client_sends_addresses_in_their_place_among_files(http, batch, internet, served, tmp_path):
    internet.pages["images.example.org/b.png?size=1"] = give(IMAGE)
    for name in "ac":
        (tmp_path / f"{name}.png").write_bytes(IMAGE)
    sent = [tmp_path / "a.png", Address(f"{ADDRESS}b.png?size=1"), Address(f"{ADDRESS}d"), tmp_path / "c.png"]
    with Client(served) as client:
        rows = [*client.upload_files(id_of(batch), sent)]
    assert [row.file for row in rows] == [
        "a.png",
        "images.example.org/b.png",
        "images.example.org/d",
        "c.png",
    ]
    assert [row.error and row.error.code for row in rows] == [None, None, "fetch_failed", None]


def test_the_client_asks_about_the_image_at_an_address(http, internet, served):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    with Client(served) as client:
        job = client.create_job(Address(f"{ADDRESS}a.png"), "What?", model="nano")
    assert (job.file, job.state) == ("images.example.org/a.png", "queued")


def test_the_command_sends_addresses_beside_paths(http, internet, served, tmp_path):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    (tmp_path / "b.png").write_bytes(IMAGE)
    command = ["submit", f"{ADDRESS}a.png", str(tmp_path / "b.png"), "http://[::", "--server", served]
    ran = CliRunner().invoke(cli, [*command, "-q", "What?", "-m", "nano", "--no-wait", "--json"])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert said["total"] == 3
    (refused,) = http.get(f"/api/batches/{said['id']}/results?state=failed").json["jobs"]
    assert refused["error"]["code"] == "bad_url"
    names = {job["file"] for job in http.get(f"/api/batches/{said['id']}/results").json["jobs"]}
    assert names == {"images.example.org/a.png", "b.png", "[::"}


@pytest.fixture
def served(http):
    """The app that `http` calls, for clients of another kind."""
    server = make_server("127.0.0.1", 0, http.application, threaded=True)
    with Serving(server):
        yield f"http://127.0.0.1:{server.server_port}"
