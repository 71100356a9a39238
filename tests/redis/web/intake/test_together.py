"""Jobs about several images by the client and the command, and in files of results, on a real server."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner
from click.testing import Result as Ran
from openpyxl import load_workbook
from rich.console import Console
from werkzeug.serving import make_server

from eva01.cli.main import eva01 as cli
from eva01.cli.progress import Lines
from eva01.cli.submission import Submission
from eva01.cli.submission import send as send_all
from eva01.client.client import Client
from eva01.client.errors import ClientError
from eva01.client.files import Together, find
from eva01.client.groups import GroupBy
from jobs.contract.models import Result
from tests.asking import id_of, new_batch, send
from tests.files.hostile import encoded, zipped
from tests.servers.serving import Serving

pytestmark = pytest.mark.redis

#: Each another one.
A, B, C, D = (encoded(size=(width, 8)) for width in (8, 9, 10, 11))


@pytest.fixture
def app(make_app):
    return make_app(max_images_per_job=3)


@pytest.fixture
def http(app):
    return app.test_client()


@pytest.fixture
def served(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    with Serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with folders of photos."""
    photos = {"lamp/2.png": A, "lamp/10.png": B, "cup/1.png": C, "top.png": D}
    for name, image in photos.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
    return tmp_path / "shop"


def jobs_of(http, batch: str) -> dict[str, list[str] | None]:
    """What each job is called, and its images."""
    shown = http.get(f"{batch}/results").json["jobs"]
    return {job["file"]: job["images"] and [one["file"] for one in job["images"]] for job in shown}


BY_FOLDER = {
    "cup": ["cup/1.png"],
    "lamp": ["lamp/2.png", "lamp/10.png"],
    "shop": ["top.png"],
}


def test_the_client_makes_a_job_of_each_folder(http, served, shop):
    batch = new_batch(http)
    with Client(served) as client:
        sent = [*client.upload_folder(id_of(batch), shop, group_by=GroupBy.FOLDER)]
        again = [*client.upload_folder(id_of(batch), shop, group_by=GroupBy.FOLDER)]
    assert {one.file: one.files for one in sent} == jobs_of(http, batch) == BY_FOLDER
    assert {one.job_id for one in again} == {one.job_id for one in sent}


def test_the_client_sends_files_together_among_others_and_zips(http, served, shop, tmp_path):
    packed = tmp_path / "more.zip"
    packed.write_bytes(zipped({"x_1.png": A, "x_2.png": B, "y.png": C}))
    lamp = Together.of("a lamp", [shop / "lamp/10.png", shop / "lamp/2.png"])
    batch = new_batch(http)
    with Client(served) as client:
        files = [lamp, shop / "top.png", packed]
        assert all(one.job_id for one in client.upload_files(id_of(batch), files, group_by=GroupBy.PREFIX))
    assert jobs_of(http, batch) == {
        "a lamp": ["10.png", "2.png"],
        "top.png": None,
        "x": ["x_1.png", "x_2.png"],
        "y.png": None,
    }


def test_the_client_asks_about_several_images(http, served, shop):
    with Client(served) as client:
        job = client.create_job([shop / "top.png", shop / "cup/1.png"], "Same?", model="nano")
    assert job.images is not None
    assert [image.file for image in job.images] == ["top.png", "1.png"]


def test_what_cannot_be_read_is_an_outcome_of_the_job(http, served, shop):
    found = find([shop])
    (shop / "lamp/2.png").unlink()
    batch = new_batch(http)
    with Client(served) as client:
        sent = [*client.upload_found(id_of(batch), found, group_by=GroupBy.FOLDER)]
    assert {one.file: one.error and one.error.code for one in sent} == {
        "cup": None,
        "lamp": "file_unreadable",
        "top.png": None,
    }
    assert {one.file: one.files for one in sent}["lamp"] == ["lamp/2.png", "lamp/10.png"]
    assert {*jobs_of(http, batch)} == {"cup", "top.png"}


def test_the_client_sends_nothing_where_something_is_too_much_for_a_job(http, served, shop):
    for number in range(4):
        (shop / "cup" / f"{number}.png").write_bytes(A)
    batch = new_batch(http)
    with Client(served) as client, pytest.raises(ClientError) as error:
        client.upload_folder(id_of(batch), shop, group_by="folder")
    assert error.value.code == "too_many_images"
    assert jobs_of(http, batch) == {}


def test_an_older_server_is_said_to_take_no_such_jobs(served, shop, monkeypatch):
    monkeypatch.setattr(Client, "_json", lambda *_, **__: {})
    with Client(served) as client, pytest.raises(ClientError) as error:
        list(client.upload_folder("0" * 32, shop, group_by=GroupBy.FOLDER))
    assert error.value.code == "not_supported"


def submit(served: str, *arguments: object) -> Ran:
    command = ["submit", *map(str, arguments), "--server", served, "-q", "What?", "-m", "nano", "--no-wait"]
    return CliRunner().invoke(cli, command)


def test_the_command_says_what_it_asks_about_together_and_does(http, served, shop):
    ran = submit(served, shop, "--group-by", "folder")
    assert ran.exit_code == 0, ran.output
    assert "Together: 4 images in 3 jobs: shop (1), cup (1), lamp (2)" in ran.stdout
    (batch,) = http.get("/api/batches").json["batches"]
    assert jobs_of(http, f"/api/batches/{batch['id']}") == BY_FOLDER


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_the_command_makes_no_batch_where_a_folder_has_more_images_than_a_job_may_have(
    http, served, shop, more
):
    for number in range(4):
        (shop / "cup" / f"{number}.png").write_bytes(A)
    ran = submit(served, shop, "--group-by", "folder", *more)
    assert isinstance(ran.exception, ClientError)
    assert re.search(
        r"cup \(4\) would be more images .* one job, 3\..*EVA01_MAX_IMAGES_PER_JOB", str(ran.exception)
    )
    assert ran.stdout == ""
    assert http.get("/api/batches").json["batches"] == []


def test_the_files_of_a_job_that_was_not_sent_are_not_counted_as_sent(http, served, shop):
    task = Submission(find([shop]), "What?", "nano", "shop", group_by=GroupBy.FOLDER, top="shop")
    (shop / "lamp/2.png").unlink()
    shown = io.StringIO()
    with Client(served) as client:
        send_all(client, id_of(new_batch(http)), task, Lines(Console(file=shown)))
    assert "Sent 2 of 4 files." in shown.getvalue()


def test_the_command_refuses_to_put_addresses_together(served, shop):
    ran = submit(served, shop, "https://images.example.org/a.png", "--group-by", "folder")
    assert (ran.exit_code, "--group-by is for files" in ran.stderr) == (2, True)


# Files of results


@pytest.fixture
def answered(http, services) -> str:
    """A batch with a job about two images and one about one."""
    batch = new_batch(http)
    files = {"trip/a, b.png": A, "trip/c.png": B, "d.png": C}
    said = json.dumps([{"file": "day 1", "files": ["trip/a, b.png", "trip/c.png"]}])
    for sent in send(http, batch, files, jobs=said):
        services.store.finish(sent["job_id"], Result(answer="Two."))
    return batch


NAMES = ["trip/a, b.png", "trip/c.png"]


def test_files_of_results_have_a_row_a_job_and_a_column_of_its_files(http, answered, tmp_path):
    assert http.get(answered).json["has_lists"] is True
    header, *rows = csv.reader(io.StringIO(http.get(f"{answered}/results.csv").text, newline=""))
    assert (header[0], header[-1]) == ("file", "files")
    assert [(row[0], row[-1]) for row in rows] == [
        ("day 1", '"trip/a, b.png", trip/c.png'),
        ("d.png", ""),
    ]
    sheet = load_workbook(io.BytesIO(http.get(f"{answered}/results.xlsx", buffered=True).data)).active
    assert [row[-1] for row in sheet.iter_rows(values_only=True)] == [
        "files",
        '"trip/a, b.png", trip/c.png',
        None,
    ]
    packed = http.get(f"{answered}/results.parquet", buffered=True).data
    table = pyarrow.parquet.read_table(io.BytesIO(packed))
    assert table.column("files").to_pylist() == [NAMES, None]
    lines = [json.loads(line) for line in http.get(f"{answered}/results.jsonl").text.splitlines()]
    assert [line["images"] and [one["file"] for one in line["images"]] for line in lines] == [NAMES, None]


def test_a_batch_without_lists_has_no_such_column(http):
    batch = new_batch(http)
    send(http, batch, {"a.png": A})
    assert http.get(batch).json["has_lists"] is False
    header = http.get(f"{batch}/results.csv").text.splitlines()[0]
    assert "files" not in header.split(",")


def test_a_link_shows_names_and_no_hashes(http, answered):
    link = "/api" + http.post(f"{answered}/share", json={"days": 1}).json["url"]
    shown = http.get(f"{link}/results").json["jobs"][0]
    assert [(one["file"], one["sha256"]) for one in shown["images"]] == [(name, None) for name in NAMES]
