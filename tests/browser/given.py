"""Batches that tests start from, made with the API as the command makes them."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from tests.browser.images import DESCRIBE, Drawn, cut_short, drawn
from tests.process.conftest import Stack
from tests.processes import wait_until


def make_batch(
    stack: Stack,
    name: str,
    files: dict[str, bytes],
    *,
    model: str = "nano",
    question: str = DESCRIBE,
    max_new_tokens: int | None = None,
    questions: dict[str, str] | None = None,
    fields: Sequence[str] | None = None,
) -> str:
    """A closed batch of these files, some with questions of their own; gives its id."""
    with stack.client() as client:
        wanted: dict[str, Any] = {
            "name": name,
            "question": question,
            "model": model,
            "max_new_tokens": max_new_tokens,
        }
        wanted |= {"fields": fields} if fields else {}
        batch_id = _checked(client.post("/api/batches", json=wanted))["id"]
        parts = [("files", (path, content)) for path, content in files.items()]
        own = {"questions": json.dumps(questions or {})}
        _checked(client.post(f"/api/batches/{batch_id}/files", data=own, files=parts))
        _checked(client.post(f"/api/batches/{batch_id}/close"))
    return str(batch_id)


def wait_until_done(stack: Stack, batch_id: str) -> None:
    """Wait until a batch is done."""
    with stack.client() as client:
        wait_until(
            lambda: _checked(client.get(f"/api/batches/{batch_id}"))["is_done"], f"batch {batch_id} is done"
        )


def make_cut_batch(stack: Stack, files: Drawn) -> str:
    """A batch that is done, whose answers but that of `0003.png` are cut; gives its id."""
    own = {"0003.png": "What color is the background?", "0004.png": "How many shapes are there?"}
    batch_id = make_batch(stack, "short of words", files.files, max_new_tokens=4, questions=own)
    wait_until_done(stack, batch_id)
    return batch_id


def jobs_of(stack: Stack, batch_id: str) -> dict[str, dict[str, Any]]:
    """The jobs of a batch by their files."""
    with stack.client() as client:
        found = _checked(client.get(f"/api/batches/{batch_id}/results"))["jobs"]
    return {job["file"]: job for job in found}


def mixed() -> Drawn:
    """Twelve valid images, one truncated image, and one file that is no image."""
    images = drawn(12, seed=3, folder="trip")
    broken = {"trip/cut short.png": cut_short(), "trip/notes.png": b"These are notes, not an image."}
    return Drawn({**images.files, **broken}, images.answers)


def _checked(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.request.url}: {response.status_code} {response.text}"
    return response.json()
