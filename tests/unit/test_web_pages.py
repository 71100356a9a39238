"""The page: whole, harmless and usable before any script has run."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from web.pages import CONTENT_SECURITY_POLICY, pages

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = sorted((WEB / "static/js").glob("*.js"))
SHEETS = sorted((WEB / "static/css").glob("*.css"))
#: Each of these would turn a file's name or a model's answer into markup or code.
MARKUP_SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"


class Tags(HTMLParser):
    """Every start tag of a page, with its attributes, and the text inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.inline += data.strip()

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = Flask("web")
    app.register_blueprint(pages)
    return app.test_client()


@pytest.fixture(scope="module")
def page(client: FlaskClient) -> Tags:
    response = client.get("/")
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    return Tags(response.text)


def test_the_page_forbids_all_but_its_own_scripts_and_styles(client: FlaskClient) -> None:
    assert client.get("/").headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_nothing_is_inline(page: Tags) -> None:
    assert page.inline == ""
    for _, attrs in page.tags:
        assert not [name for name in attrs if name == "style" or name.startswith("on")]


def test_everything_the_page_loads_is_ours_and_is_there(page: Tags, client: FlaskClient) -> None:
    loaded = [attrs.get("src") for attrs in page.all("script", "img") if "src" in attrs]
    loaded += [attrs["href"] for attrs in page.all("link")]
    assert len(loaded) >= 5
    for address in loaded:
        assert address and address.startswith("/static/")
        with client.get(address) as response:
            assert response.status_code == 200


def test_the_mark_is_the_favicon(client: FlaskClient) -> None:
    with client.get("/favicon.ico") as response:
        assert response.status_code == 200
        assert response.mimetype == "image/svg+xml"


def test_the_form_works_without_a_script(page: Tags) -> None:
    form = next(attrs for attrs in page.all("form") if attrs.get("action"))
    assert (form["action"], form["method"], form["enctype"]) == ("/analyze", "post", "multipart/form-data")
    names = {attrs.get("name") for attrs in page.all("input", "textarea", "select")}
    assert {"file", "question", "model"} <= names


def test_every_field_has_a_label_and_every_id_is_used_once(page: Tags) -> None:
    labelled = {attrs["for"] for attrs in page.all("label")}
    fields = {attrs["id"] for attrs in page.all("input", "textarea", "select", "progress")}
    assert fields <= labelled
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
class TestScript:
    def test_it_never_makes_markup_of_text(self, script: Path) -> None:
        assert not re.search(MARKUP_SINKS, script.read_text("utf-8"))

    def test_it_imports_only_files_beside_it(self, script: Path) -> None:
        for module in re.findall(r'from "([^"]+)"', script.read_text("utf-8")):
            assert module.startswith("./")
            assert (script.parent / module).is_file()

    def test_every_element_it_asks_for_is_on_the_page(self, script: Path, page: Tags) -> None:
        ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
        assert set(re.findall(r'byId\("([^"]+)"\)', script.read_text("utf-8"))) <= ids


@pytest.mark.parametrize("path", SCRIPTS + SHEETS, ids=lambda path: path.name)
def test_a_file_is_short_and_asks_nobody_else_for_anything(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") < 200
    assert not re.search(r"https?://", text)
