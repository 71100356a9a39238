"""What proxies say of who asks, and what those who ask say themselves."""

import json

import pytest
from flask import Flask, request
from werkzeug.test import run_wsgi_app

from web.http.proxies import ORIGINAL, believe_proxies, register_proxies

PEER = "127.0.0.1"


def app_behind(count: int) -> Flask:
    """An app that says who asks, and by which name."""
    app = Flask("behind")
    app.add_url_rule("/", view_func=lambda: {"from": request.remote_addr, "host": request.host})
    register_proxies(app, count)
    return app


def asker(count: int, said: str) -> str:
    response = app_behind(count).test_client().get("/", headers={"X-Forwarded-For": said})
    return str(response.get_json()["from"])


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ('"198.51.100.1, 203.0.113.7', "203.0.113.7"),
        ('"a\\", 203.0.113.7', "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, unknown", PEER),
        ("", PEER),
    ],
)
def test_who_asks_is_whom_the_proxy_has_seen_whatever_stands_before_it(said, address):
    assert asker(1, said) == address


def test_of_two_proxies_the_outer_one_has_seen_who_asks():
    assert asker(2, "198.51.100.1, 203.0.113.7, 10.0.0.1") == "203.0.113.7"
    assert asker(2, "203.0.113.7") == PEER


def test_where_there_is_no_proxy_nobody_is_believed():
    assert asker(0, "203.0.113.7") == PEER


def test_a_head_that_was_looked_at_before_says_the_same_with_its_body():
    app = app_behind(1)
    sent = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "photos.example"}
    with app.test_request_context("/", headers=sent) as context:
        environ = context.request.environ
    for _ in range(2):
        believe_proxies(app, environ)
        assert environ["HTTP_HOST"] == "photos.example"
        assert environ[ORIGINAL]["HTTP_HOST"] == "localhost"
    body, _, _ = run_wsgi_app(app, environ)
    assert json.loads(b"".join(body)) == {"from": "203.0.113.7", "host": "photos.example"}
