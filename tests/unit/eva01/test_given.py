"""What a program gives to the client otherwise than is said: understood, or refused by name and value."""

import json
from datetime import date
from pathlib import Path

import pytest

import eva01
from eva01 import ClientError, GroupBy, Together
from tests.unit.eva01.test_client import client  # noqa: F401 - a fixture
from tests.unit.scripted_server import BATCH_ID, JOB_ID, Reply

QUEUED: Reply = ({"id": JOB_ID, "state": "queued"}, 202, {})
LIMITS: Reply = ({"max_images_per_job": 3}, 200, {})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two folders with two photos each."""
    for name in ("cup/1.png", "cup/2.png", "lamp/1.png", "lamp/2.png"):
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "shop"


def test_what_groups_files_is_a_name_of_the_package():
    assert {"GroupBy", "Together", "Client", "Address"} <= vars(eva01).keys()


@pytest.mark.parametrize("by", ["folder", GroupBy.FOLDER])
def test_files_are_grouped_by_a_text_as_by_what_it_stands_for(client, server, shop, by):  # noqa: F811
    server.replies = [LIMITS]
    list(client.upload_folder(BATCH_ID, str(shop), group_by=by))
    assert [job["file"] for job in json.loads(server.fields[1]["jobs"])] == ["cup", "lamp"]


@pytest.mark.parametrize("by", ["color", "FOLDER", "", 0])
def test_nothing_is_sent_where_files_are_grouped_by_what_there_is_not(client, server, shop, by):  # noqa: F811
    with pytest.raises(ValueError, match=f"by 'folder' or 'prefix', and not by {by!r}"):
        client.upload_folder(BATCH_ID, shop, group_by=by)
    assert server.requests == []


def test_a_folder_of_more_images_than_a_job_may_have_is_refused_before_anything_is_sent(client, server, shop):  # noqa: F811
    (shop / "cup/3.png").write_bytes(b"3")
    (shop / "cup/4.png").write_bytes(b"4")
    server.replies = [LIMITS]
    with pytest.raises(ClientError, match=r"cup \(4\) .* one job, 3\. .*EVA01_MAX_IMAGES_PER_JOB") as caught:
        client.upload_folder(BATCH_ID, shop, group_by="folder")
    assert (caught.value.code, [path for _, path, _ in server.requests]) == (
        "too_many_images",
        ["/api/limits"],
    )


@pytest.mark.parametrize(
    "fields", ["total:number", ["total:number"], ("total:number",), iter(["total:number"])]
)
def test_one_field_may_be_a_text_by_itself(client, server, fields):  # noqa: F811
    server.replies = [({"id": BATCH_ID}, 201, {})]
    client.create_batch("?", fields=fields)
    assert server.bodies[0]["fields"] == ["total:number"]


def test_one_field_may_be_an_object_by_itself_and_texts_to_stop_at_any_list(client, server):  # noqa: F811
    server.replies = [({"id": BATCH_ID}, 201, {})]
    client.create_batch("?", fields={"name": "total"}, stop=iter(["END", "。"]))
    assert (server.bodies[0]["fields"], server.bodies[0]["stop"]) == ([{"name": "total"}], ["END", "。"])


def test_a_format_that_is_no_object_is_refused_by_name_and_value(client, server):  # noqa: F811
    with pytest.raises(TypeError, match=r"response_format is an object, .* and not 'json_object'"):
        client.create_batch("?", response_format="json_object")
    assert server.requests == []


def test_paths_and_addresses_may_be_texts_and_one_by_itself(client, server, shop):  # noqa: F811
    cup = shop / "cup/1.png"
    server.replies = [QUEUED] * 3
    client.create_job(str(cup))
    client.create_job(["https://images.example.org/a.png", cup])
    client.create_job(Together.of("both", str(cup)).files[0])
    assert [[*sent] for sent in server.files] == [["1.png"]] * 3
    assert server.fields[1]["url"] == "https://images.example.org/a.png"
    list(client.upload_files(BATCH_ID, str(cup)))
    list(client.upload_files(BATCH_ID, cup))
    assert [[*sent] for sent in server.files[3:]] == [["1.png"]] * 2


def test_a_folder_is_not_taken_for_the_first_of_its_images(client, server, shop):  # noqa: F811
    with pytest.raises(ClientError, match="cup is a folder") as caught:
        client.create_job(shop / "cup")
    assert (caught.value.code, server.requests) == ("is_folder", [])


def test_what_is_no_path_is_refused_by_its_value(client, server):  # noqa: F811
    with pytest.raises(TypeError, match=r"b'pixels' is neither a path nor the address"):
        client.analyze(b"pixels")
    with pytest.raises(TypeError, match=r"https://a\.org/b\.png is an address"):
        Together.of("both", ["https://a.org/b.png"])
    assert server.requests == []


def test_files_of_results_and_days_may_be_texts(client, server, tmp_path):  # noqa: F811
    server.replies = [("a,b", 200, {})]
    client.results_csv(BATCH_ID, str(tmp_path / "r.csv"))
    assert (tmp_path / "r.csv").read_text() == "a,b"
    client.usage("2026-01-05", date(2026, 1, 6))
    assert server.queries[-1] == "from=2026-01-05&to=2026-01-06"


def test_what_a_file_of_requests_is_called_may_be_a_text(client, server, tmp_path):  # noqa: F811
    (tmp_path / "r.jsonl").write_text("{}\n")
    server.replies = [({"id": "file-1"}, 200, {}), ({"id": "batch_1"}, 200, {})]
    assert client.orders.create(str(tmp_path / "r.jsonl")).id == "batch_1"
