"""Images at addresses for several callers at once, on the page's form, and from servers that cost much."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import pytest
from prometheus_client import REGISTRY
from werkzeug.test import EnvironBuilder

from tests.asking import IMAGE, id_of, new_batch
from tests.processes import PATIENCE_S, wait_until
from tests.redis.web.access.test_access import made, of
from tests.redis.web.intake.test_fetching import ADDRESS, OTHER, codes, give, send
from tests.redis.web.test_jobs import code_of
from tests.servers.internet import Visit
from web.http.waiting import PAUSES
from web.services import services_of

pytestmark = pytest.mark.redis


def turns(state: str) -> float:
    """How many addresses wait for a turn, have one, or hang."""
    return REGISTRY.get_sample_value("eva01_fetch_turns", {"state": state}) or 0.0


def test_hosts_that_hang_for_one_owner_delay_no_other(make_http, internet):
    http = make_http(fetch_at_a_time=4, fetch_s=300, fetch_request_s=300)
    app, services = http.application, services_of(http.application)
    anna, ben = made(services, "anna"), made(services, "ben")
    internet.silent.add("silent.example.org")
    internet.pages["images.example.org/a.png"] = give(IMAGE)

    def asked(key, host: str):
        form = {"url": f"https://{host}/a.png", "question": "What?", "model": "nano"}
        answer = app.test_client().post("/api/jobs", data=form, headers=of(key))
        # It is read where it was begun.
        return answer.status_code, answer.json.get("code")

    with ThreadPoolExecutor(8) as senders:
        flood = [senders.submit(asked, anna, "silent.example.org") for _ in range(8)]
        wait_until(lambda: len(internet.looked_up) == 2, "half of the places are taken")
        for _ in range(3):
            assert asked(ben, "images.example.org") == (202, None)
        assert not any(one.done() for one in flood)
        internet.silent.clear()
        answered_all(internet, lambda: all(one.done() for one in flood))
    assert {one.result() for one in flood} == {(422, "no_public_address")}


def answered_all(internet, are_done) -> None:
    """Have the silent name server speak until all who ask it are done."""

    def spoken() -> bool:
        internet.answer_all()
        return are_done()

    wait_until(spoken, "all have heard")


def test_more_addresses_than_an_owner_may_have_wait_are_refused_before_anything_is_fetched(
    make_http, internet
):
    http = make_http(fetch_at_a_time=1, fetch_waiting=3)
    batch, end = new_batch(http), threading.Event()
    internet.pages["images.example.org/0"] = lambda visit: end.wait(60) and visit.give(IMAGE)
    with ThreadPoolExecutor(1) as senders:
        client = http.application.test_client()
        first = senders.submit(send, client, batch, *(f"{ADDRESS}{number}" for number in range(3)))
        wait_until(lambda: internet.visits, "the first is being fetched")
        asked = internet.looked_up[:]
        refused = http.post(f"{batch}/files", data={"url": [f"{ADDRESS}3", f"{ADDRESS}4"]})
        assert code_of(refused) == (429, "queue_full")
        assert "EVA01_FETCH_WAITING" in refused.json["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert internet.looked_up == asked
        end.set()
        assert len(first.result(PATIENCE_S)) == 3


def test_nothing_more_is_fetched_for_a_caller_who_has_gone_away(make_http, internet):
    http, end = make_http(fetch_s=600, fetch_request_s=600), threading.Event()
    wait_until(lambda: turns("running") == 0, "nothing of an earlier test is fetched")

    def drip(visit: Visit) -> None:
        visit.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not end.wait(0.02):
            visit.wfile.write(b"x")

    internet.pages["images.example.org/a.png"] = drip
    form = {"url": f"{ADDRESS}a.png", "question": "What?", "model": "nano"}
    environ = EnvironBuilder("/api/jobs", method="POST", data=form).get_environ()
    pieces = http.application.wsgi_app(environ | {PAUSES: True}, lambda status, headers: None)
    assert next(iter(pieces)) == b""
    wait_until(lambda: internet.visits, "it is being fetched")
    pieces.close()
    wait_until(lambda: turns("running") == 0, "it is not fetched any more")
    end.set()


def interim() -> Iterator[bytes]:
    """Responses before the response, without end."""
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 1000


def crumbs() -> Iterator[bytes]:
    """An image in chunks of one byte, without end."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\nx\r\n" * 1000


@pytest.mark.parametrize("kind", [interim, crumbs])
def test_an_answer_that_costs_too_much_to_read_is_refused(make_http, internet, kind):
    http = make_http(fetch_s=300, fetch_request_s=300, limits={"request_cpu_s": 0.05})

    def flood(visit: Visit) -> None:
        for piece in kind():
            visit.wfile.write(piece)

    internet.pages["images.example.org/a.png"] = flood
    began = monotonic()
    rows = send(http, new_batch(http), f"{ADDRESS}a.png")
    assert codes(rows) == ["request_too_costly"]
    assert monotonic() - began < 280


@pytest.fixture
def http(make_http):
    return make_http()


def results_of(http, response) -> list[dict]:
    """The rows of the batch to whose page a form has led."""
    assert response.status_code == 303, response.text
    batch = id_of(response.headers["Location"])
    return http.get(f"/api/batches/{batch}/results").json["jobs"]


def test_the_pages_form_takes_addresses_in_their_place_among_files(http, internet):
    internet.pages["images.example.org/cats/a.png?signature=secret"] = give(IMAGE)
    internet.names["inside.example.org"] = ["10.0.0.7"]
    form = httpx_form(
        ("url", f"{ADDRESS}cats/a.png?signature=secret"),
        ("files", ("b.png", OTHER)),
        ("url", "https://inside.example.org/c.png"),
        ("url", "no address"),
        ("question", "What?"),
    )
    response = http.post("/batches", **form)
    rows = results_of(http, response)
    assert [row["file"] for row in rows] == [
        "images.example.org/cats/a.png",
        "b.png",
        "inside.example.org/c.png",
        "no address",
    ]
    assert codes(rows) == [None, None, "no_public_address", "bad_url"]
    shown = http.get(response.headers["Location"]).text
    assert all(row["file"] in shown for row in rows)
    assert "secret" not in shown


def httpx_form(*fields: tuple[str, str | tuple[str, bytes]]) -> dict[str, object]:
    """A form of texts and files, in their order."""
    parts = [(name, (None, part.encode()) if isinstance(part, str) else part) for name, part in fields]
    form = httpx.Request("POST", "http://web", files=parts)
    return {"data": form.read(), "content_type": form.headers["Content-Type"]}


def test_the_pages_form_takes_addresses_also_where_it_has_no_files(http, internet):
    internet.pages["images.example.org/a.png"] = give(IMAGE)
    (row,) = results_of(http, http.post("/batches", data={"url": f"{ADDRESS}a.png", "question": "What?"}))
    assert (row["file"], row["state"]) == ("images.example.org/a.png", "queued")


def test_the_pages_form_refuses_addresses_by_name_where_none_is_fetched(make_app):
    http = make_app().test_client()
    (row,) = results_of(http, http.post("/batches", data={"url": f"{ADDRESS}a.png", "question": "What?"}))
    assert (row["file"], row["error"]["code"]) == ("images.example.org/a.png", "fetch_is_off")


def test_the_pages_form_fetches_nothing_for_what_cannot_be_asked(http, internet):
    response = http.post("/batches", data={"url": f"{ADDRESS}a.png", "model": "none"})
    assert (response.status_code, response.mimetype) == (422, "text/html")
    assert internet.looked_up == []
