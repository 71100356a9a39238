"""Whatever is sent to whatever address of the API, it is no fault of ours, and a refusal has its code."""

import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from jobs.contract.codes import Code
from jobs.contract.settings import WebSettings
from tests.asking import IMAGE, new_batch, send
from tests.files.forms import CONTENT_TYPE, form, part
from tests.redis.web.test_pages import json_of

# Each example is a request or two: on a busy machine all of them take minutes.
pytestmark = [pytest.mark.redis, pytest.mark.timeout(400)]
#: Those of the API, and what OpenAI's calls otherwise.
CODES = {code.value for code in Code} | {
    *("model_not_found", "invalid_api_key", "context_length_exceeded", "insufficient_quota")
}
ADMIN_KEY = "a" * 32
HEADERS = ("IDEMPOTENCY_KEY", "IF_NONE_MATCH", "ACCEPT_LANGUAGE", "COOKIE", "ACCEPT", "RANGE", "HOST")

#: Texts that have been too much for some parser, and others.
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        *("", " ", "\0", "a\0b", "\x7f\x80\x9f", "\ufffe\uffff", "\U0010ffff", "e\u0301", "\u202e\u2028"),
        *("%", "%%", "%zz", "%00", "%ED%A0%80", "%C3%28", "+", "&", "=", "#", "?", "..", "../..", "/", "//"),
        *("[" * 2000, "{" * 2000, '{"a":' * 700, "[" * 100_000, '"', "'", "\\", "\\ud800", "\\u0000"),
        *("null", "true", "NaN", "Infinity", "-Infinity", "1e999", "-0", "0x1f", "1_000", "\u0661", "\u00b2"),
        *("9" * 400, "9" * 5000, "-" + "9" * 5000, str(2**63), str(2**64), "1" + "0" * 30, "1.5", "-1", "1"),
        *("a" * 5000, "*", "[a-z]*", "\r\n", "a\r\nX: y", "eva01:job:*", "{}", "[]", "0", "2"),
    ]
)
HALVES = st.sampled_from(["\ud800", "a\udfff", "\udc00\ud800", "\ud83d"]) | st.text(
    st.characters(categories=("Cs", "Ll", "Nd")), max_size=5
)
NUMBERS = st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30, 10**400, -(10**4000), 0.5, 1e308, -0.0])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | HALVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | HALVES, inner, max_size=3),
    max_leaves=6,
)
#: What no program writes, as bytes.
BODIES = st.binary(max_size=40) | st.sampled_from(
    [
        *(b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\0", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000),
        *(b"NaN", b'{"question": NaN}', b'{"question": "\\ud800"}', b'{"question": "\xed\xa0\x80"}', b'"{}"'),
        *(b'{"\\udfff": 1}', b'{"max_new_tokens": 1e999}', b'{"days": ' + b"9" * 5000 + b"}", b"null", b"-"),
        *('{"question": "ä"}'.encode(charset) for charset in ("utf-16", "utf-32", "latin-1")),
    ]
)
NAMES = (
    *("file", "files", "question", "questions", "model", "max_new_tokens", "wait"),
    *("name", "search", "days", "next", "language", "theme"),
)
TYPES = st.sampled_from(
    [
        *(
            "application/json",
            "application/json; charset=utf-7",
            "text/plain",
            "a/b; c*=x''%ff",
            "",
            ";",
            "\xff",
        ),
        *(CONTENT_TYPE, "multipart/form-data", 'multipart/form-data; boundary="'),
        *("application/x-www-form-urlencoded", "a/b; c*=x''%ff"),
    ]
)


@st.composite
def jsons(draw: st.DrawFn, fields: list[str]) -> bytes:
    """A body of JSON with the fields that the call takes, or none of them."""
    if draw(st.booleans()):
        return draw(BODIES)
    chosen = draw(st.dictionaries(st.sampled_from(fields or ["a"]) | TEXTS, VALUES, max_size=4))
    return json.dumps(chosen, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """A form whose parts are whole, and say anything."""
    parts = [part('name="file"; filename="a.png"', IMAGE)] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(NAMES) | TEXTS)
        value = draw(TEXTS.map(str.encode) | BODIES | jsons(["a.png"]) | st.just(IMAGE))
        head = draw(
            st.sampled_from(
                [
                    f'name="{name}"',
                    f'name="{name}"; filename="{draw(TEXTS)}"',
                    f"name={name}; filename*={draw(TEXTS)}",
                    f"name=\"{name}\"; filename*=UTF-8''{quote(draw(TEXTS))}",
                    f"name=\"{name}\"; filename*=idna''{quote(draw(TEXTS))}",
                ]
            )
        )
        parts.append(
            part(one_line(head).encode() + draw(st.sampled_from([b"", b"\xff", b"\xd5\xd5"])), value)
        )
    return form(*draw(st.permutations(parts)))


@st.composite
def requests(draw: st.DrawFn, path: str, call: dict[str, Any], served: "Served") -> dict[str, Any]:
    """What a server hands over of a request to a call of the API (WSGI): bytes as Latin-1."""
    parameters = [(parameter["in"], parameter["name"]) for parameter in call.get("parameters", [])]
    for name in [name for place, name in parameters if place == "path"]:
        path = path.replace(f"{{{name}}}", served.ids[name] if draw(st.integers(0, 3)) else draw(TEXTS))
    query = [
        f"{name}={draw(TEXTS.map(quote) | st.sampled_from(['%', '%ff', '%u0', '%ED%A0%80']))}"
        for place, name in parameters
        if place == "query" and draw(st.booleans())
    ]
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), TEXTS.map(one_line), max_size=2))
    content = call.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        body, kind = draw(forms()), CONTENT_TYPE
    else:
        body, kind = draw(jsons(served.fields(content))), "application/json"
    if not draw(st.integers(0, 3)):
        body, kind = draw(BODIES | st.just(body)), draw(TYPES)
    if not draw(st.integers(0, 5)):
        body = body[: draw(st.integers(0, len(body)))]
    return {
        "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": "&".join(query),
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name}": value.encode().decode("latin-1") for name, value in headers.items()},
    }


def one_line(text: str) -> str:
    """What can be a header's value."""
    return text.replace("\r", "").replace("\n", "")[:2000]


class Served:
    """An app, asked by an admin, and a batch, a job, a link and a key to ask it about."""

    def __init__(self, app: Flask) -> None:
        # Else a question that waits for its answer would wait in vain.
        app.extensions["eva01"].stopping.set()
        self.http = app.test_client()
        self.http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN_KEY}"
        self.document = json_of(self.http.get("/openapi.json"))
        self.calls = [(path, method) for path, item in self.document["paths"].items() for method in item]
        self.ids: dict[str, str] = {}

    def stock(self) -> None:
        """Make anew what an earlier request has deleted."""
        if not self.ids or self.http.get(f"/api/shared/{self.ids['token']}").status_code != 200:
            batch = new_batch(self.http)
            (sent,) = send(self.http, batch, {"a.png": IMAGE})
            share = json_of(self.http.post(f"{batch}/share", json={}))
            requests = {"file": (io.BytesIO(b"{}"), "a.jsonl"), "purpose": "batch"}
            self.ids = {
                "batch_id": batch.rsplit("/", 1)[1],
                "job_id": sent["job_id"],
                "share_id": share["id"],
                "file_id": json_of(self.http.post("/v1/files", data=requests))["id"],
                "response_id": f"resp_{sent['job_id']}",
                "name": "nano",
                "token": share["url"].rsplit("/", 1)[1],
                "prefix": json_of(self.http.post("/api/keys", json={"owner": "anna"}))["prefix"],
            }

    def fields(self, content: dict[str, Any]) -> list[str]:
        """The fields of a body of JSON."""
        shown = content.get("application/json", {}).get("schema", {}).get("$ref", "/").rsplit("/", 1)[1]
        return list(self.document["components"]["schemas"].get(shown, {}).get("properties", {})) or ["a"]

    def send(self, method: str, environ: dict[str, Any]) -> TestResponse:
        """The response to a request, with all of its body."""
        return self.http.open("/", method=method.upper(), environ_overrides=environ, buffered=True)


@pytest.fixture
def served(make_app) -> Served:
    return Served(make_app(WebSettings(models=("nano", "ocr"), admin_key=ADMIN_KEY)))


NASTY = settings(
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@settings(NASTY, max_examples=600)
@given(st.data())
def test_no_call_of_the_api_fails_by_what_it_is_sent(served, data):
    served.stock()
    path, method = data.draw(st.sampled_from(served.calls))
    environ = data.draw(requests(path, served.document["paths"][path][method], served))
    response = served.send(method, environ)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        said = json_of(response)
        assert said.get("error", said)["code"] in CODES, response.text


@settings(NASTY, max_examples=150)
@given(st.data())
def test_no_page_fails_by_what_it_is_sent(served, data):
    served.stock()
    paths = ["/", "/history", "/batches/{batch_id}", "/shared/{token}", "/words/{batch_id}.json", "/{token}"]
    parameters = [{"in": "path", "name": name} for name in ("batch_id", "token")]
    parameters += [{"in": "query", "name": name} for name in ("search", "cursor", "limit", "state", "order")]
    call: dict[str, Any] = {"parameters": parameters}
    response = served.send("get", data.draw(requests(data.draw(st.sampled_from(paths)), call, served)))
    assert response.status_code < 500, response.text
    call["requestBody"] = {"content": {"multipart/form-data": {}}}
    path = data.draw(st.sampled_from(["/batches", "/preferences"]))
    response = served.send("post", data.draw(requests(path, call, served)))
    assert response.status_code < 500, response.text
