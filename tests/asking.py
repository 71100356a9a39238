"""Requests to web that many tests send."""

import json
from typing import Any

import httpx
from flask.testing import FlaskClient

from tests.files import hostile

IMAGE = hostile.encoded()


def new_batch(http: FlaskClient, **fields: Any) -> str:
    """Create a batch; gives its address."""
    made = http.post("/api/batches", json={"question": "What?", "model": "nano"} | fields)
    assert made.status_code == 201, made.text
    return made.headers["Location"]


def id_of(address: str) -> str:
    """The id at the end of a batch's or job's address."""
    return address.rsplit("/", 1)[1]


def send(http: FlaskClient, batch: str, files: dict[str, bytes], **fields: str) -> list[dict[str, Any]]:
    """Send files to a batch; gives the outcome of each."""
    sent = post_files(http, f"{batch}/files", files, **fields)
    assert sent.status_code == 202, sent.text
    return sent.json["files"]


def post_files(
    http: FlaskClient, address: str, files: dict[str, bytes], *, field: str = "files", **fields: Any
) -> Any:
    """Post a form as browsers write it; gives the response."""
    parts = [(field, (name, content)) for name, content in files.items()]
    given = {name: value for name, value in fields.items() if value is not None}
    form = httpx.Request("POST", "http://web", data=given, files=parts)
    return http.post(address, data=form.read(), content_type=form.headers["Content-Type"])


def ask(
    http: FlaskClient, address: str = "/api/jobs", image: bytes = IMAGE, name: str = "a.png", **fields: Any
) -> Any:
    """Ask `nano` about one image; gives the response."""
    form = {"question": "What?", "model": "nano"} | fields
    return post_files(http, address, {name: image}, field="file", **form)


def ask_both(http: FlaskClient, **asked: Any) -> tuple[Any, Any]:
    """Ask for the same of a batch, in JSON, and of a single question, in a form; gives both responses."""
    form: dict[str, Any] = {
        name: value if name == "model" else json.dumps(value) for name, value in asked.items()
    }
    batch = http.post("/api/batches", json={"question": "?", "model": "nano", **asked})
    return batch, ask(http, **form)
