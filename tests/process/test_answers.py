"""The main job with real processes: every image gets its own answer, and a stop loses nothing."""

import csv
import io
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from PIL import Image, ImageDraw

from tests.files import pdfs
from tests.files.drawing import RGB, SHAPES, Scene, random_scene
from tests.process.conftest import Stack
from tests.processes import wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

DESCRIBE = "Describe this image."


def make_batch(client: httpx.Client, model: str = "nano", question: str = DESCRIBE, **more: object) -> str:
    made = client.post("/api/batches", json={"name": "test", "question": question, "model": model} | more)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def send(client: httpx.Client, batch_id: str, files: dict[str, bytes]) -> None:
    parts = [("files", (name, content)) for name, content in files.items()]
    sent = client.post(f"/api/batches/{batch_id}/files", files=parts)
    assert sent.status_code == 202, sent.text
    assert [one["state"] for one in sent.json()["files"]] == ["accepted"] * len(files)


def wait_until_done(client: httpx.Client, batch_id: str) -> dict:
    batch = f"/api/batches/{batch_id}"
    client.post(f"{batch}/close").raise_for_status()
    wait_until(lambda: client.get(batch).json()["is_done"], f"batch {batch_id} is done", 200)
    return client.get(batch).json()


def answers(client: httpx.Client, batch_id: str) -> dict[str, str]:
    jobs = client.get(f"/api/batches/{batch_id}/results", params={"limit": 1000}).json()["jobs"]
    return {job["file"]: job["answer"] for job in jobs}


def finished_before(client: httpx.Client, batch_id: str, job: dict[str, Any]) -> int:
    """How many of a batch's jobs came to an end before another job did, whenever one looks."""
    jobs = client.get(f"/api/batches/{batch_id}/results", params={"limit": 1000}).json()["jobs"]
    ended = [datetime.fromisoformat(one["finished_at"]) for one in jobs if one["finished_at"]]
    return sum(at < datetime.fromisoformat(job["finished_at"]) for at in ended)


def scenes(seed: int, count: int) -> dict[str, Scene]:
    """Different scenes under different paths; no path contains its answer."""
    rng = random.Random(seed)
    return {f"folder {n % 3}/{seed}-{n}.png": random_scene(rng, shapes=1 + n % 2) for n in range(count)}


def encoded(scene: Scene, n: int) -> bytes:
    """The scene as a file, in one of several sizes and formats."""
    size = [(480, 320), (300, 300), (640, 480), (900, 400)][n % 4]
    return scene.encode(["PNG", "JPEG", "WEBP"][n % 3], width=size[0], height=size[1])


def submit(stack: Stack, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """Send twenty images in four requests; gives the right answers and those that came."""
    drawn = scenes(seed, 20)
    files = {path: encoded(scene, n) for n, (path, scene) in enumerate(drawn.items())}
    with stack.client() as client:
        batch_id = make_batch(client)
        names = list(files)
        for start in range(0, 20, 5):
            send(client, batch_id, {name: files[name] for name in names[start : start + 5]})
        wait_until_done(client, batch_id)
        return {path: scene.description for path, scene in drawn.items()}, answers(client, batch_id)


def test_sixty_mixed_images_of_three_submitters_each_get_their_own_answer(nano_stack):
    with ThreadPoolExecutor(3) as submitters:
        pairs = list(submitters.map(lambda seed: submit(nano_stack, seed), (1, 2, 3)))
    for right, given in pairs:
        assert given == right


def test_what_is_small_is_answered_right_at_the_usual_pixels_and_not_at_few(nano_stack):
    rng = random.Random(23)
    drawn = {f"{n}.png": random_scene(rng, shapes=3) for n in range(6)}
    files = {path: scene.encode(width=600, height=400) for path, scene in drawn.items()}
    read: dict[int | None, dict[str, str]] = {}
    with nano_stack.client() as client:
        for pixels in (3136, None):
            batch_id = make_batch(client, max_pixels=pixels)
            send(client, batch_id, files)
            wait_until_done(client, batch_id)
            jobs = client.get(f"/api/batches/{batch_id}/results").json()["jobs"]
            assert all(0 < job["usage"]["read_pixels"] <= (pixels or 19_600) for job in jobs)
            assert not any(job["cached"] for job in jobs)
            read[pixels] = {job["file"]: job["answer"] for job in jobs}
    right = {path: scene.description for path, scene in drawn.items()}
    assert read[None] == right
    assert not set(read[3136].items()) & set(right.items())


def test_a_worker_told_to_stop_in_the_middle_loses_nothing(stack):
    first = stack.start_worker("nano", "worker-first", EVA01_SLOTS="4")
    drawn = scenes(7, 60)
    with stack.client() as client:
        batch_id = make_batch(client)
        send(client, batch_id, {path: encoded(scene, n) for n, (path, scene) in enumerate(drawn.items())})
        wait_until(
            lambda: client.get(f"/api/batches/{batch_id}").json()["counts"]["succeeded"] > 2, "some answers"
        )
        first.send(signal.SIGTERM)
        assert first.wait() == 0, first.output()
        left = client.get(f"/api/batches/{batch_id}").json()["counts"]
        assert left["running"] == 0
        assert left["failed"] == 0
        stack.start_worker("nano", "worker-second")
        done = wait_until_done(client, batch_id)
        assert done["counts"]["succeeded"] == 60
        assert answers(client, batch_id) == {path: scene.description for path, scene in drawn.items()}


#: Backgrounds, and colors of shapes that are easy to tell on them.
COLORS = {
    "white": ("red", "green", "blue", "black", "purple"),
    "black": ("red", "yellow", "white", "orange", "green"),
    "yellow": ("red", "blue", "black", "purple"),
    "blue": ("white", "yellow", "orange"),
}
FIELDS = (f"background:{'|'.join(RGB)}", "count:integer", f"shapes:{'|'.join(SHAPES)}[]", "solid:boolean")


def any_scene(rng: random.Random, shapes: int) -> Scene:
    background = rng.choice([*COLORS])
    colors = rng.sample(COLORS[background], shapes)
    return Scene(background, tuple(zip(colors, rng.choices(SHAPES, k=shapes), strict=True)))


def cells_of(scene: Scene) -> list[str | int | bool | None]:
    """What stands in a table of FIELDS; an empty list is an empty cell."""
    shapes = ", ".join(kind for _, kind in scene.shapes) or None
    return [scene.background, len(scene.shapes), shapes, not scene.shapes]


def test_every_cell_of_a_workbook_of_fields_is_as_drawn_and_of_its_type(nano_stack, tmp_path):
    rng = random.Random(1)
    drawn = {f"{n:03}.{['png', 'jpg'][n % 2]}": any_scene(rng, n % 4) for n in range(200)}
    (tmp_path / "in").mkdir()
    for name, scene in drawn.items():
        (tmp_path / "in" / name).write_bytes(scene.encode("JPEG" if name.endswith("jpg") else "PNG"))
    out = tmp_path / "out.xlsx"
    asked = [part for field in FIELDS for part in ("--field", field)]
    asked += ["--question", "Fill in the fields.", "--out", str(out)]
    ran = nano_stack.command("submit", tmp_path / "in", *asked)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    header, *rows = openpyxl.load_workbook(out).worksheets[0].iter_rows(values_only=True)
    places = [header.index(name) for name in ("file", "background", "count", "shapes", "solid")]
    told = {row[places[0]]: [row[place] for place in places[1:]] for row in rows}
    assert told == {name: cells_of(scene) for name, scene in drawn.items()}
    assert {tuple(map(type, cells)) for cells in told.values() if cells[2]} == {(str, int, str, bool)}


@pytest.fixture(scope="module")
def reading_stack(nano_stack) -> Stack:
    """The same with a worker of `ocr` besides."""
    nano_stack.start_worker("ocr")
    return nano_stack


def test_ocr_reads_the_total_of_the_receipt(reading_stack):
    receipt = next(Path("examples").rglob("receipt.*"))
    with reading_stack.client() as client:
        answered = client.post(
            "/analyze",
            files={"file": (receipt.name, receipt.read_bytes())},
            data={"model": "ocr", "wait": "55"},
        )
    assert answered.status_code == 200, answered.text
    assert answered.json()["state"] == "succeeded"
    assert "23.45" in answered.json()["answer"]
    assert answered.json()["usage"]["lines"] > 5


def test_ocr_reads_all_pages_of_the_example_fax(reading_stack):
    fax = next(Path("examples").rglob("fax.*"))
    with reading_stack.client() as client:
        batch_id = make_batch(client, model="ocr")
        send(client, batch_id, {"fax.tif": fax.read_bytes()})
        assert wait_until_done(client, batch_id)["total"] == 1
        text = answers(client, batch_id)["fax.tif"]
    places = [text.find(words) for words in ("TELEFAX", "Page 1 of 3", "Thursday", "thawed", "Page 3 of 3")]
    assert -1 not in places
    assert places == sorted(places)


def written(folder: Path, words: dict[str, str]) -> None:
    """Pictures of words."""
    for name, text in words.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (500, 120), "white")
        ImageDraw.Draw(image).text((20, 30), text, fill="black", font_size=48)
        image.save(path)


def test_the_images_of_a_folder_are_asked_about_together_and_read_in_their_order(reading_stack, tmp_path):
    written(tmp_path / "in", {"trip/10.png": "HARBOUR", "trip/2.png": "LANTERN", "home/1.png": "COFFEE"})
    out = tmp_path / "out.csv"
    asked = ("submit", tmp_path / "in", "--model", "ocr", "--group-by", "folder", "--out", out)
    ran = reading_stack.command(*asked)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    rows = csv.DictReader(io.StringIO(out.read_text("utf-8"), newline=""))
    assert {row["file"]: (row["answer"], row["files"]) for row in rows} == {
        "home": ("COFFEE", "home/1.png"),
        "trip": ("LANTERN\n\nHARBOUR", "trip/2.png, trip/10.png"),
    }


def test_a_folders_pdf_is_read_as_a_whole_or_page_by_page(reading_stack, tmp_path):
    (tmp_path / "in").mkdir()
    pages = (pdfs.Page((1, 1, 1), words, (240, 80)) for words in ("HARBOUR", "LANTERN"))
    (tmp_path / "in/letter.pdf").write_bytes(pdfs.document(*pages))
    out = tmp_path / "out.csv"

    def read(*how: str) -> dict[str, str]:
        ran = reading_stack.command("submit", tmp_path / "in", "--model", "ocr", "--out", out, *how)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
        rows = csv.DictReader(io.StringIO(out.read_text("utf-8"), newline=""))
        return {row["file"]: row["answer"] for row in rows}

    assert read() == {"letter.pdf": "HARBOUR\n\nLANTERN"}
    each = read("--pages", "each", "--dpi", "200")
    assert each == {"letter.pdf": "HARBOUR", "letter.pdf#2": "LANTERN"}
    with reading_stack.client() as client:
        (batch, *_) = client.get("/api/batches").json()["batches"]
        assert (batch["dpi"], batch["pages"]) == (200, "each")
        (job, *_) = client.get(f"/api/batches/{batch['id']}/results").json()["jobs"]
        assert (job["width"], job["height"]) == (667, 223)
        assert client.get(f"/api/jobs/{job['id']}/text").json() == {"pages": [{"page": 1, "text": "HARBOUR"}]}


def test_a_model_sees_all_images_of_a_question_and_their_order_makes_another(reading_stack):
    drawn = [Scene("white", ((color, "circle"),)).encode(width=320, height=240) for color in ("red", "blue")]
    with reading_stack.client() as client:

        def ask(*images: bytes) -> dict:
            form = {"model": "nano", "question": DESCRIBE, "wait": "55"}
            parts = [("file", (f"{number}.png", image)) for number, image in enumerate(images)]
            answered = client.post("/analyze", data=form, files=parts)
            assert answered.status_code == 200, answered.text
            return answered.json()

        one, both, again, turned = ask(drawn[0]), ask(*drawn), ask(*drawn), ask(*drawn[::-1])
    assert {job["state"] for job in (one, both, again, turned)} == {"succeeded"}
    assert both["usage"]["visual_tokens"] == 2 * one["usage"]["visual_tokens"]
    assert [(image["width"], image["height"]) for image in both["images"]] == [(320, 240)] * 2
    assert (again["cached"], again["answer"]) == (True, both["answer"])
    assert turned["cached"] is False


def test_an_interactive_question_overtakes_a_batch(stack):
    rng = random.Random(11)
    with stack.client() as client:
        batch_id = make_batch(client)
        send(client, batch_id, {f"{n}.png": random_scene(rng).encode() for n in range(40)})
        scene = random_scene(rng)
        asked = client.post(
            "/api/jobs", files={"file": ("now.png", scene.encode())}, data={"question": DESCRIBE}
        )
        assert asked.status_code == 202
        stack.start_worker("nano", EVA01_SLOTS="1")
        job = asked.headers["Location"]
        wait_until(lambda: client.get(job).json()["state"] == "succeeded", "the single question is answered")
        assert finished_before(client, batch_id, client.get(job).json()) < 20
        assert client.get(job).json()["answer"] == scene.description


def test_a_question_asked_while_a_batch_is_in_flight_is_answered_before_the_batch_is(nano_stack):
    [worker] = [process for process in nano_stack.processes if process.name == "worker-nano"]
    rng = random.Random(13)
    with nano_stack.client() as client:
        batch_id = make_batch(client)
        batch = f"/api/batches/{batch_id}"
        send(client, batch_id, {f"{n}.png": random_scene(rng).encode() for n in range(150)})
        wait_until(lambda: client.get(batch).json()["counts"]["succeeded"] > 2, "some answers")
        scene = random_scene(rng)
        # Held, so that the batch cannot be over before the question has come.
        worker.send(signal.SIGSTOP)
        try:
            asked = client.post(
                "/api/jobs", files={"file": ("now.png", scene.encode())}, data={"question": DESCRIBE}
            )
        finally:
            worker.send(signal.SIGCONT)
        job = asked.headers["Location"]
        wait_until(lambda: client.get(job).json()["state"] == "succeeded", "the single question is answered")
        assert finished_before(client, batch_id, client.get(job).json()) < 150
        assert client.get(job).json()["answer"] == scene.description
        assert "nano: batches: rolling" in worker.output()
        client.post(f"{batch}/cancel").raise_for_status()


def test_a_cancelled_batch_leaves_the_worker_free_for_the_next(stack):
    worker = stack.start_worker("nano", EVA01_ROWS="2")
    rng = random.Random(17)
    with stack.client() as client:
        batch_id = make_batch(client)
        batch = f"/api/batches/{batch_id}"
        send(client, batch_id, {f"{n}.png": random_scene(rng).encode() for n in range(100)})
        wait_until(lambda: client.get(batch).json()["counts"]["succeeded"] > 2, "some answers")
        client.post(f"{batch}/cancel").raise_for_status()
        counts = client.get(batch).json()["counts"]
        assert (counts["queued"], counts["running"]) == (0, 0)
        assert counts["cancelled"] == 100 - counts["succeeded"] > 0
        next_id, scene = make_batch(client), random_scene(rng)
        send(client, next_id, {"next.png": scene.encode()})
        wait_until_done(client, next_id)
        assert answers(client, next_id) == {"next.png": scene.description}
        assert client.get(batch).json()["counts"] == counts, "nothing of it is answered any more"
        assert worker.popen.poll() is None


def test_redis_stopped_and_started_again_loses_nothing(empty_stack):
    stack = empty_stack
    redis = stack.start_redis()
    stack.start_web()
    stack.start_worker("nano")
    drawn = scenes(5, 12)
    with stack.client() as client:
        batch_id = make_batch(client)
        send(client, batch_id, {path: encoded(scene, n) for n, (path, scene) in enumerate(drawn.items())})
        redis.send(signal.SIGTERM)
        redis.wait()
        away = client.get(f"/api/batches/{batch_id}")
        assert away.status_code == 503
        assert away.json()["code"] == "redis_unavailable"
        assert "Retry-After" in away.headers
        stack.start_redis()
        wait_until(lambda: client.get("/ready").status_code == 200, "web is back")
        wait_until_done(client, batch_id)
        assert answers(client, batch_id) == {path: scene.description for path, scene in drawn.items()}
