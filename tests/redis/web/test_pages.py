"""The pages on a real server: complete and usable without scripts."""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs.contract.models import JobState, Result, Usage
from jobs.contract.settings import Settings, WebSettings
from tests.apps import app_of
from tests.asking import id_of, new_batch
from tests.files import hostile
from web.pages.page import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.redis
EXAMPLES = Path(__file__).parents[3] / "examples"
CIRCLE, SHAPES = EXAMPLES / "shapes/red-circle.png", EXAMPLES / "shapes/two-shapes.jpg"
UNKNOWN_ID = "0" * 32


class Tags(HTMLParser):
    """Every start tag of a page, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


def ask(http: FlaskClient, *images: Path, **fields: str) -> str:
    """Send the form as a browser without scripts does; gives where it leads."""
    opened = [(BytesIO(image.read_bytes()), image.name) for image in images]
    response = http.post("/batches", data={"files": opened, "model": "nano", **fields})
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def json_of(response: TestResponse) -> dict[str, Any]:
    """The object that the response holds."""
    found = response.json
    assert isinstance(found, dict), response.text
    return found


@pytest.mark.parametrize("path", ["/", "/history"])
def test_a_page_forbids_all_but_our_own_scripts_and_styles(http: FlaskClient, path: str) -> None:
    response = http.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("path", ["/", "/history"])
def test_everything_a_page_loads_is_ours_and_is_there(http: FlaskClient, path: str) -> None:
    page = Tags(http.get(path).text)
    loaded = [attrs.get("src") for attrs in page.all("script", "img") if "src" in attrs]
    loaded += [attrs["href"] for attrs in page.all("link")]
    assert len(loaded) >= 5
    for address in loaded:
        assert address and address.startswith("/static/")
        with http.get(address) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("path", ["/", "/history"])
def test_every_field_has_a_label_and_every_id_is_used_once(http: FlaskClient, path: str) -> None:
    page = Tags(http.get(path).text)
    labelled = {attrs.get("for") for attrs in page.all("label")}
    for attrs in page.all("input", "textarea", "select", "progress"):
        if attrs.get("type") not in ("hidden", "radio"):
            assert attrs.get("id") in labelled or attrs.get("aria-label"), attrs
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_the_form_without_scripts_makes_a_batch_of_all_files(http: FlaskClient) -> None:
    where = ask(http, CIRCLE, SHAPES, question="Describe this image.")
    batch = json_of(http.get(f"/api{where}"))
    assert batch["counts"][JobState.QUEUED] == 2
    assert (batch["state"], batch["question"], batch["model"]) == ("closed", "Describe this image.", "nano")
    assert batch["name"] == "red-circle.png + 1"


def test_the_batch_page_shows_every_file_without_a_script(http: FlaskClient) -> None:
    html = http.get(ask(http, CIRCLE, SHAPES, question="Describe this image.")).text
    assert "red-circle.png" in html
    assert "two-shapes.jpg" in html
    assert 'http-equiv="refresh"' in html


def test_the_batch_page_marks_what_was_read_unsurely_without_a_script(http: FlaskClient) -> None:
    where = ask(http, CIRCLE, SHAPES, question="Describe this image.")
    store = http.application.extensions["eva01"].store
    sure, unsure = store.results(where.rsplit("/", 1)[1])
    store.finish(sure.id, Result(answer="Total 7.50", usage=Usage(lines=1, confidence=0.98)))
    assert "Unsure" not in http.get(where).text
    store.finish(unsure.id, Result(answer="Tota1 7 50", usage=Usage(lines=1, confidence=0.6)))
    assert http.get(where).text.count(">Unsure<") == 1


def test_a_refused_file_is_on_the_batch_page_with_its_reason(http: FlaskClient, tmp_path: Path) -> None:
    text = tmp_path / "<notes>.png"
    text.write_text("no image")
    html = http.get(ask(http, CIRCLE, text, question="Describe this image.")).text
    assert "&lt;notes&gt;.png" in html
    assert "<notes>" not in html


def test_a_form_that_is_refused_comes_back_with_what_was_typed(http: FlaskClient) -> None:
    form = {"question": "Is it <red>?", "model": "nano", "fields": "total:<b>", "schema": '{"<i>": 1}'}
    response = http.post("/batches", data=form)
    assert (response.status_code, response.mimetype) == (400, "text/html")
    assert "No image was chosen" in response.text
    for text in ("Is it &lt;red&gt;?", "total:&lt;b&gt;", "{&#34;&lt;i&gt;&#34;: 1}"):
        assert text in response.text
    assert re.search(r'value="nano"\s+checked', response.text)


def test_what_was_passed_over_in_a_zip_is_said_where_no_script_runs(
    http: FlaskClient, tmp_path: Path
) -> None:
    packed = tmp_path / "some.zip"
    packed.write_bytes(hostile.zipped({"a.png": CIRCLE.read_bytes(), ".b.png": b"x", ".DS_Store": b"x"}))
    batch = ask(http, packed, question="?")
    assert "2 hidden files in zips were passed over." in http.get(batch).text
    assert "passed over" not in http.get(batch.partition("?")[0]).text


def test_too_many_files_are_refused_in_words(make_app: Callable[..., Flask]) -> None:
    http = make_app(max_files_per_request=1).test_client()
    files = [(BytesIO(image.read_bytes()), image.name) for image in (CIRCLE, SHAPES)]
    response = http.post("/batches", data={"files": files, "question": "?", "model": "nano"})
    assert (response.status_code, response.mimetype) == (413, "text/html")
    assert "EVA01_MAX_FILES_PER_REQUEST" in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/batches/{UNKNOWN_ID}", 404),
        ("/batches/nonsense", 400),
        ("/shared/nonsense", 404),
        ("/history?limit=0", 400),
    ],
)
def test_what_is_not_there_is_said_on_a_page(http: FlaskClient, path: str, status: int) -> None:
    response = http.get(path)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert 'href="/"' in response.text


def test_a_shared_page_reads_below_its_link_and_tells_nobody(http: FlaskClient) -> None:
    where = ask(http, CIRCLE, question="Describe this image.")
    link = json_of(http.post(f"/api{where}/share", json={"days": 1}))["url"]
    response = http.get(link)
    assert response.status_code == 200
    assert Tags(response.text).all("body")[0]["data-api"] == f"/api{link}"
    assert response.headers["Referrer-Policy"] == "strict-origin"
    assert "noindex" in response.headers["X-Robots-Tag"]


def test_a_link_that_opens_nothing_leads_to_no_page_of_those_who_are_signed_in(http: FlaskClient) -> None:
    where = ask(http, CIRCLE, question="Describe this image.")
    link = json_of(http.post(f"/api{where}/share", json={"days": 1}))["url"]
    http.delete(f"/api{where}/shares")
    for path, status in ((link, 410), ("/shared/nonsense", 404)):
        response = http.get(path)
        assert response.status_code == status
        page = Tags(response.text)
        assert [attrs["href"] for attrs in page.all("a")] == ["#main", "/", "/docs"]
        assert not [attrs for attrs in page.all("nav", "section") if attrs.get("id") == "dock"]


@pytest.mark.parametrize(("longest", "offered"), [(365, 7), (3, 3)])
def test_no_link_is_offered_for_longer_than_is_allowed(
    make_app: Callable[..., Flask], longest: int, offered: int
) -> None:
    http = make_app(max_share_days=longest).test_client()
    days = Tags(http.get(f"/batches/{id_of(new_batch(http))}").text).all("input")
    (field,) = [attrs for attrs in days if attrs.get("id") == "share-days"]
    assert (field["max"], field["value"]) == (str(longest), str(offered))


def test_the_history_has_the_batches_and_finds_them(http: FlaskClient) -> None:
    where = ask(http, CIRCLE, question="Describe this image.")
    ask(http, SHAPES, question="Describe this image.")
    assert where in http.get("/history").text
    found = http.get("/history?search=CIRCLE").text
    assert where in found
    assert "two-shapes" not in found


def test_a_page_is_in_the_browsers_language_until_another_is_chosen(http: FlaskClient) -> None:
    in_chinese = {"Accept-Language": "zh-CN,zh"}
    page = http.get("/", headers=in_chinese).text
    assert '<html lang="zh">' in page
    assert "跳到内容" in page
    chosen = http.post("/preferences", data={"language": "en", "next": "/history?search=a"})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/history?search=a")
    assert '<html lang="en">' in http.get("/", headers=in_chinese).text


def test_the_chosen_theme_is_in_the_page_from_its_first_byte(http: FlaskClient) -> None:
    assert "data-theme" not in http.get("/").text.split("<head>")[0]
    http.post("/preferences", data={"theme": "dark", "next": "/"})
    assert 'data-theme="dark"' in http.get("/").text.split("<head>")[0]
    http.post("/preferences", data={"theme": "ultraviolet", "next": "/"})
    assert 'data-theme="dark"' in http.get("/").text


@pytest.mark.parametrize("away", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb"])
def test_a_choice_leads_nowhere_else(http: FlaskClient, away: str) -> None:
    response = http.post("/preferences", data={"language": "zh", "next": away})
    assert response.headers["Location"] == "/"


def test_scripts_get_their_words(http: FlaskClient) -> None:
    first = http.get("/words/zh.json")
    assert json_of(first)["All is sent."] == "全部已发送。"
    assert http.get("/words/zh.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert http.get("/words/en.json").json == {}
    assert http.get("/words/xx.json").json == {}


def test_the_page_says_so_when_redis_is_away(tmp_path: Path) -> None:
    settings = Settings(redis_url="redis://127.0.0.1:1/0", data=tmp_path, redis_timeout_s=0.2)
    http = app_of(settings, None, WebSettings()).test_client()
    assert http.get("/").status_code == 200
    response = http.get(f"/batches/{UNKNOWN_ID}")
    assert (response.status_code, response.mimetype) == (503, "text/html")


def test_the_mark_is_the_favicon(http: FlaskClient) -> None:
    with http.get("/favicon.ico") as response:
        assert (response.status_code, response.mimetype) == (200, "image/svg+xml")


def test_a_search_that_has_found_nothing_yet_leads_on(make_app):
    http = make_app(max_looked_at=1).test_client()
    for name in ("needle", "hay"):
        new_batch(http, name=name)
    page = http.get("/history?search=needle").text
    assert "Nothing found" in page
    (address,) = re.findall(r'href="(\?[^"]*cursor=[^"]*)"', page)
    assert "needle</a>" in http.get(f"/history{html.unescape(address)}").text
