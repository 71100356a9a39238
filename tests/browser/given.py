"""Batches that tests start from, made with the API as the command makes them."""

from typing import Any

import httpx

from tests.browser.images import DESCRIBE, Drawn, cut_short, drawn
from tests.process.conftest import Stack
from tests.processes import wait_until


def make_batch(
    stack: Stack, name: str, files: dict[str, bytes], *, model: str = "nano", question: str = DESCRIBE
) -> str:
    """A closed batch of these files; gives its id."""
    with stack.client() as client:
        wanted = {"name": name, "question": question, "model": model}
        batch_id = _checked(client.post("/api/batches", json=wanted))["id"]
        parts = [("files", (path, content)) for path, content in files.items()]
        _checked(client.post(f"/api/batches/{batch_id}/files", files=parts))
        _checked(client.post(f"/api/batches/{batch_id}/close"))
    return str(batch_id)


def wait_until_done(stack: Stack, batch_id: str) -> None:
    """Wait until a batch is done."""
    with stack.client() as client:
        wait_until(
            lambda: _checked(client.get(f"/api/batches/{batch_id}"))["is_done"], f"batch {batch_id} is done"
        )


def mixed() -> Drawn:
    """Twelve valid images, one truncated image, and one file that is no image."""
    images = drawn(12, seed=3, folder="trip")
    broken = {"trip/cut short.png": cut_short(), "trip/notes.png": b"These are notes, not an image."}
    return Drawn({**images.files, **broken}, images.answers)


def _checked(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.request.url}: {response.status_code} {response.text}"
    return response.json()
