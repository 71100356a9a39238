"""Answers that are cut, through real processes: every way out says which they are."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator

import openpyxl
import pytest

from tests.files.drawing import Scene
from tests.process.conftest import Stack
from tests.processes import wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

SCENE = Scene("white", (("red", "circle"), ("blue", "square")))
#: What is asked of each image, and why its answer of at most four tokens ends.
ASKED = {
    "long.png": ("Describe this image.", "length"),
    "short.png": ("What color is the background?", "stop"),
}


@pytest.fixture(scope="module", params=["auto", "static"], ids=["rolling", "static"])
def serving(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Web and a worker that batches in one way."""
    with Stack(tmp_path_factory.mktemp(request.param)) as stack:
        stack.start_redis()
        stack.start_web()
        stack.start_worker("nano", EVA01_BATCHING=request.param)
        yield stack


def done_batch(stack: Stack) -> str:
    with stack.client() as client:
        wanted = {"question": "?", "model": "nano", "max_new_tokens": 4}
        batch_id = client.post("/api/batches", json=wanted).json()["id"]
        own = {"questions": json.dumps({file: question for file, (question, _) in ASKED.items()})}
        parts = [("files", (file, SCENE.encode(width=300 + n))) for n, file in enumerate(ASKED)]
        client.post(f"/api/batches/{batch_id}/files", data=own, files=parts).raise_for_status()
        client.post(f"/api/batches/{batch_id}/close")
        wait_until(lambda: client.get(f"/api/batches/{batch_id}").json()["is_done"], "the batch is done", 200)
    return str(batch_id)


def test_every_way_out_says_which_answers_are_cut(serving):
    right = {file: reason for file, (_, reason) in ASKED.items()}
    address = f"/api/batches/{done_batch(serving)}"
    with serving.client() as client:
        assert client.get(address).json()["cut_short"] == 1
        jobs = client.get(f"{address}/results").json()["jobs"]
        assert {job["file"]: job["finish_reason"] for job in jobs} == right
        lines = client.get(f"{address}/results.jsonl").text.splitlines()
        assert {job["file"]: job["finish_reason"] for job in map(json.loads, lines)} == right
        rows = csv.DictReader(io.StringIO(client.get(f"{address}/results.csv").text, newline=""))
        assert {row["file"]: row["finish_reason"] for row in rows} == right
        sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/results.xlsx").content)).worksheets[
            0
        ]
        header, *cells = sheet.iter_rows(values_only=True)
        place = header.index("finish_reason")
        assert {row[0]: row[place] for row in cells} == right
        with zipfile.ZipFile(io.BytesIO(client.get(f"{address}/results.zip").content)) as texts:
            assert "long.png,4," in texts.read("cut_short.csv").decode()


def test_the_command_says_so_and_asks_again_with_more(serving, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "long.png").write_bytes(SCENE.encode(width=311))
    ask = ("submit", folder, "-q", "Describe this image.", "-m", "nano", "--max-new-tokens")
    cut = serving.command(*ask, 4)
    assert (cut.returncode, cut.stderr) == (0, "")
    assert re.search(r"long\.png +A red circle and \(cut short\)", cut.stdout), cut.stdout
    assert "1 answer is cut short." in cut.stdout
    whole = json.loads(serving.command(*ask, 64, "--json").stdout)
    assert (whole["cut_short"], whole["counts"]["succeeded"]) == (0, 1)
    (job,) = serving.command("results", whole["id"], "--json").stdout.splitlines()
    assert (json.loads(job)["answer"], json.loads(job)["finish_reason"]) == (SCENE.description, "stop")


def test_a_single_question_says_so_and_may_be_asked_again_with_more(serving):
    with serving.client() as client:
        asked = {"question": "Describe this image.", "model": "nano", "max_new_tokens": "4", "wait": "50"}
        job = client.post("/analyze", data=asked, files={"file": ("a.png", SCENE.encode(width=312))}).json()
        assert (job["finish_reason"], job["usage"]["output_tokens"]) == ("length", 4)
        more = {"question": job["question"], "max_new_tokens": 64}
        again = client.post(f"/api/jobs/{job['id']}/ask", json=more).json()["id"]
        wait_until(lambda: client.get(f"/api/jobs/{again}").json()["answer"], "there is an answer", 100)
        whole = client.get(f"/api/jobs/{again}").json()
        assert (whole["answer"], whole["finish_reason"], whole["cached"]) == (
            SCENE.description,
            "stop",
            False,
        )
