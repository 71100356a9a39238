"""Errors as pages: every error of a page, and unknown addresses that a browser asks for."""

import shutil
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs.contract.models import Job, new_id
from jobs.contract.settings import Limits, Settings, WebSettings
from tests.apps import app_of
from web.services import services_of

#: The Accept header of a browser that navigates to a page.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
IN_CHINESE = BROWSER | {"Accept-Language": "zh-CN,zh"}
PROBLEM = "application/problem+json"


def told(response: TestResponse) -> tuple[int, str | None]:
    return response.status_code, response.mimetype


@pytest.fixture
def http(app_without_redis: Flask) -> FlaskClient:
    return app_without_redis.test_client()


@pytest.mark.parametrize("path", ["/nowhere", "/batches/1/2", "/shared", "/history/", "/apiary"])
def test_a_browser_gets_a_page_for_an_unknown_address(http: FlaskClient, path: str) -> None:
    response = http.get(path, headers=BROWSER)
    assert told(response) == (404, "text/html")
    assert '<html lang="en">' in response.text
    assert "There is nothing here" in response.text
    assert f"There is nothing at {path}." in response.text
    assert {"Accept", "Accept-Language", "Cookie"} <= set(response.vary)


def test_the_page_for_an_unknown_address_speaks_the_visitors_language(http: FlaskClient) -> None:
    response = http.get("/nowhere", headers=IN_CHINESE)
    assert told(response) == (404, "text/html")
    assert '<html lang="zh">' in response.text
    assert "这里什么都没有" in response.text
    assert '<p class="text" lang="zh">该地址没有内容。 请检查地址。</p>' in response.text


def test_an_unknown_address_stays_text_on_its_page(http: FlaskClient) -> None:
    response = http.get("/<script>alert(1)</script>", headers=BROWSER)
    assert response.status_code == 404
    assert "<script>alert" not in response.text


@pytest.mark.parametrize("path", ["/batches", "/preferences"])
def test_the_address_of_a_form_opened_in_a_browser_is_a_page(http: FlaskClient, path: str) -> None:
    assert told(http.get(path, headers=BROWSER)) == (405, "text/html")
    assert told(http.get(path)) == (405, PROBLEM)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html;q=0.5, application/json"])
def test_a_program_gets_a_problem_for_an_unknown_address(http: FlaskClient, accept: str | None) -> None:
    response = http.get("/nowhere", headers={"Accept": accept} if accept else {})
    assert told(response) == (404, PROBLEM)
    assert response.json is not None
    assert response.json["code"] == "no_such_page"


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/nothing",
        "/analyze/1",
        "/docs/nothing",
        "/openapi.json/1",
        "/health/1",
        "/ready/1",
        "/metrics/1",
        "/static/nothing.js",
    ],
)
def test_below_what_programs_ask_for_a_browser_gets_a_problem_too(http: FlaskClient, path: str) -> None:
    assert told(http.get(path, headers=BROWSER)) == (404, PROBLEM)


def test_a_job_that_cannot_be_written_is_said_on_a_page(new_app: Flask) -> None:
    job = Job(id=new_id(), file="a.png", question="q", model="nano")
    store = services_of(new_app).store
    new_app.add_url_rule("/send", endpoint="pages.send", view_func=lambda: store.create_job(job) and "sent")
    response = new_app.test_client().get("/send")
    assert told(response) == (503, "text/html")
    assert "redis_unavailable" in response.text


def test_an_unforeseen_error_of_a_page_is_a_page_and_tells_nothing_of_our_inside(
    new_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("secret")

    new_app.add_url_rule("/fail", endpoint="pages.fail", view_func=fail)
    response = new_app.test_client().get("/fail")
    assert told(response) == (500, "text/html")
    assert "internal_error" in response.text
    assert "secret" not in response.text
    assert "RuntimeError: secret" in caplog.text


def send_form(http: FlaskClient, **texts: str) -> TestResponse:
    return http.post("/batches", data={"files": (BytesIO(b"an image"), "a.png"), **texts})


def test_the_form_comes_back_with_what_was_typed_when_redis_is_away(http: FlaskClient) -> None:
    response = send_form(http, question="Is it red?", model="nano")
    assert told(response) == (503, "text/html")
    assert "Redis does not answer." in response.text
    assert "Is it red?" in response.text


def test_the_form_says_in_the_visitors_language_why_it_was_refused(http: FlaskClient) -> None:
    response = http.post("/batches", data={"question": "是红色的吗？"}, headers=IN_CHINESE)
    assert told(response) == (400, "text/html")
    assert "没有发送图片。" in response.text
    assert "是红色的吗？" in response.text


def test_the_form_says_that_the_disk_is_full(tmp_path: Path) -> None:
    settings = Settings(redis_url="redis://127.0.0.1:1/0", data=tmp_path, redis_timeout_s=0.2)
    limits = Limits(min_free_bytes=2 * shutil.disk_usage(tmp_path).total)
    response = send_form(app_of(settings, limits, WebSettings()).test_client(), question="Is it red?")
    assert told(response) == (507, "text/html")
    assert "EVA01_MIN_FREE_BYTES" in response.text


def test_a_form_larger_than_a_request_may_be_is_told_the_limit(tmp_path: Path) -> None:
    settings = Settings(redis_url="redis://127.0.0.1:1/0", data=tmp_path, redis_timeout_s=0.2)
    http = app_of(settings, Limits(max_request_bytes=100), WebSettings()).test_client()
    response = send_form(http, question="Is it red?" * 100)
    assert told(response) == (413, "text/html")
    assert "EVA01_MAX_REQUEST_BYTES" in response.text
