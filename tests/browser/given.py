"""Batches that tests start from, made with the API as the command makes them."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from tests.browser.images import DESCRIBE, RED_CIRCLE, Drawn, cut_short, drawn
from tests.files import pdfs
from tests.files.pdfs import BLUE, GREEN, RED, Page
from tests.process.conftest import Stack
from tests.processes import wait_until

#: Jobs with their images in the order in which they are asked about; each image has its own width, in pixels.
CHAIRS = {"chairs/oak": ["front_1.png", "front_2.png", "front_10.png"], "chairs/elm": ["a.png", "b.png"]}
WIDTHS = {"front_1.png": 201, "front_2.png": 202, "front_10.png": 203, "a.png": 204, "b.png": 205}
#: The pages of a PDF: color, text, and width in points; and those widths in pixels.
LETTER = ((RED, "One", 150), (GREEN, "Two", 175), (BLUE, "", 200))
LETTER_WIDTHS = [313, 365, 417]


def make_batch(
    stack: Stack,
    name: str,
    files: dict[str, bytes],
    *,
    model: str = "nano",
    question: str = DESCRIBE,
    questions: dict[str, str] | None = None,
    jobs: Sequence[dict[str, Any]] = (),
    **wishes: Any,
) -> str:
    """A closed batch of these files, some with questions of their own, or in jobs together; gives its id.

    `wishes` are those that POST /api/batches takes.
    """
    with stack.client() as client:
        wanted = {"name": name, "question": question, "model": model, **wishes}
        batch_id = _checked(client.post("/api/batches", json=wanted))["id"]
        parts = [("files", (path, content)) for path, content in files.items()]
        own = {"questions": json.dumps(questions or {})} | ({"jobs": json.dumps(jobs)} if jobs else {})
        _checked(client.post(f"/api/batches/{batch_id}/files", data=own, files=parts))
        _checked(client.post(f"/api/batches/{batch_id}/close"))
    return str(batch_id)


def make_chairs(stack: Stack, **more: Any) -> str:
    """A closed batch of two jobs about several images, and one about one; gives its id."""
    images = {
        f"{job}/{file}": RED_CIRCLE.encode(width=WIDTHS[file])
        for job, files in CHAIRS.items()
        for file in files
    }
    alone = {"chairs/alone.png": RED_CIRCLE.encode(width=206)}
    jobs = [{"file": job, "files": [f"{job}/{file}" for file in files]} for job, files in CHAIRS.items()]
    return make_batch(stack, "chairs", images | alone, jobs=jobs, **more)


def make_letters(stack: Stack) -> str:
    """A closed batch of two PDFs, each asked about as a whole; gives its id.

    The first has three pages, of which each has its own width in points; the second has one.
    """
    three = pdfs.document(*(Page(color, text, (width, 100)) for color, text, width in LETTER))
    return make_batch(
        stack, "letters", {"long.pdf": three, "short.pdf": pdfs.document(Page(RED))}, pages="together"
    )


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


def images_of(stack: Stack, batch_id: str) -> dict[str, list[str]]:
    """The names of each job's images in their order; none for one that is called as its job."""
    jobs = jobs_of(stack, batch_id)
    return {file: [image["file"] for image in job["images"] or []] for file, job in jobs.items()}


def mixed() -> Drawn:
    """Twelve valid images, one truncated image, and one file that is no image."""
    images = drawn(12, seed=3, folder="trip")
    broken = {"trip/cut short.png": cut_short(), "trip/notes.png": b"These are notes, not an image."}
    return Drawn({**images.files, **broken}, images.answers)


def _checked(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.request.url}: {response.status_code} {response.text}"
    return response.json()
