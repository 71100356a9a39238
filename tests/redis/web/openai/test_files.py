"""Files of requests as OpenAI's own client sends them, on a real Redis."""

from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote

import openai
import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.serving import make_server

from eva01 import Client
from jobs.contract import names
from jobs.contract.asking.order import SentFile
from tests.redis.web.openai.ordering import (
    ENDPOINT,
    begin,
    file_of,
    fill,
    line,
)
from tests.servers.serving import Serving
from web.server import housekeeping_of

pytestmark = pytest.mark.redis

ONCE = {"Idempotency-Key": "once"}


def test_a_file_is_kept_listed_given_back_and_deleted(client):
    content = file_of(line("a"), "", line("b"))
    sent = client.files.create(file=content, purpose="batch")
    assert (sent.filename, sent.purpose, sent.bytes) == ("requests.jsonl", "batch", len(content[1]))
    assert sent.expires_at - sent.created_at == 30 * 24 * 3600
    assert client.files.content(sent.id).read() == content[1]
    assert client.files.retrieve(sent.id) == sent
    other = client.files.create(file=file_of(line("c")), purpose="batch")
    assert [file.id for file in client.files.list(limit=1)] == [other.id, sent.id]
    assert [file.id for file in client.files.list(order="asc")] == [sent.id, other.id]
    assert [*client.files.list(purpose="vision")] == []
    assert client.files.delete(sent.id).deleted
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as error:
            gone(sent.id)
        assert error.value.code == "file_not_found"
    assert [file.id for file in client.files.list()] == [other.id]


@pytest.mark.parametrize(
    ("said", "code", "param"),
    [
        ({"purpose": "fine-tune"}, "invalid_field", "purpose"),
        ({"file": ("a.jsonl", b"\n\n")}, "invalid_field", "file"),
        ({"file": ("a.jsonl", b"{}\n" * 101)}, "request_too_large", None),
        ({"file": ("a.jsonl", b"x" * 100_001)}, "request_too_large", None),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 3599}},
            "invalid_field",
            "expires_after.seconds",
        ),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, "invalid_field", "expires_after.anchor"),
        ({"expires_after": {"anchor": "created_at"}}, "invalid_field", "expires_after.seconds"),
        ({"extra_body": {"size": "small"}}, "invalid_field", "size"),
    ],
)
def test_a_file_that_is_none_of_requests_is_refused(client, services, said, code, param):
    with pytest.raises(openai.APIStatusError) as error:
        client.files.create(**{"file": file_of(line("a")), "purpose": "batch", **said})
    assert (error.value.code, error.value.param) == (code, param)
    assert services.sent_files.count(None) == 0


def test_a_field_that_is_twice_in_the_form_of_a_file_is_refused_by_its_name(http):
    form = MultiDict([("purpose", "batch"), ("purpose", "batch"), ("file", (BytesIO(b"{}"), "a.jsonl"))])
    error = http.post("/v1/files", data=form).get_json()["error"]
    assert (error["code"], error["param"]) == ("invalid_field", "purpose")


def test_there_are_no_more_files_than_may_be(client):
    for _ in range(3):
        client.files.create(file=file_of(line("a")), purpose="batch")
    with pytest.raises(openai.APIStatusError) as error:
        client.files.create(file=file_of(line("a")), purpose="batch")
    assert (error.value.status_code, error.value.code) == (413, "too_many_files")


def test_a_file_is_not_deleted_while_a_batch_is_made_of_it(client, services):
    batch = begin(client, line("a"))
    with pytest.raises(openai.ConflictError) as error:
        client.files.delete(batch.input_file_id)
    assert error.value.code == "file_in_use"
    fill(services)
    client.files.delete(batch.input_file_id)
    assert client.batches.retrieve(batch.id).status == "in_progress"


def age(services, file_id: str, **by: float) -> None:
    """Have a file be older than it is."""
    ((_, text),) = services.blobs.get_many([names.sent_path(None, file_id.removeprefix("file-"))])
    sent = SentFile.model_validate_json(text)
    passed = timedelta(**by)
    assert sent.expires_at
    older = {"created_at": sent.created_at - passed, "expires_at": sent.expires_at - passed}
    content = BytesIO(services.sent_files.piece(sent, 0))
    services.sent_files.put(sent.model_copy(update=older), content)


def test_a_file_goes_when_it_was_asked_to(client, services):
    hour: dict[str, Any] = {"anchor": "created_at", "seconds": 3600}
    batch = begin(client, line("a"), line("b"), expires_after=hour)
    sent = client.files.retrieve(batch.input_file_id)
    assert sent.expires_at - sent.created_at == 3600
    age(services, sent.id, minutes=59)
    assert client.files.retrieve(sent.id).expires_at == sent.expires_at - 59 * 60
    age(services, sent.id, minutes=2)
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as error:
            gone(sent.id)
        assert error.value.code == "file_not_found"
    assert [*client.files.list()] == []
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id=sent.id, endpoint=ENDPOINT, completion_window="24h")
    housekeeping_of(services).keep_house()
    fill(services)
    made = client.batches.retrieve(batch.id)
    assert (made.status, made.request_counts.failed) == ("in_progress", 0)
    assert services.store.get_batch(batch.id.removeprefix("batch_")).total == 2, "its lines were still there"


def test_files_whose_time_is_over_leave_room_for_others(client, services):
    hour: dict[str, Any] = {"anchor": "created_at", "seconds": 3600}
    for _ in range(3):
        sent = client.files.create(file=file_of(line("a")), purpose="batch", expires_after=hour)
        age(services, sent.id, hours=2)
    other = client.files.create(file=file_of(line("a")), purpose="batch")
    housekeeping_of(services).keep_house()
    assert {path.split("/")[-1] for path in services.blobs.list("files")} == {
        f"{other.id.removeprefix('file-')}.{end}" for end in ("json", "jsonl")
    }


def test_no_file_lives_longer_than_all_do(make_http):
    http = make_http(retention_days=0.5)
    form = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "86400"}
    sent = http.post("/v1/files", data=form | {"file": (BytesIO(b"{}"), "a.jsonl")}).get_json()
    assert sent["expires_at"] - sent["created_at"] == 12 * 3600


@pytest.mark.parametrize("odd", ["\0", "\x01", "\x7f", "\n", "/", "Z"])
def test_an_id_of_a_file_that_is_none_is_not_found(http, odd):
    for method, rest in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = http.open(f"/v1/files/file-{'0' * 31}{quote(odd, safe='')}{rest}", method=method)
        assert answer.status_code == 404, answer.json


def test_a_file_sent_twice_under_one_key_is_kept_once_and_not_spoken_of_when_it_is_deleted(client):
    def send() -> str:
        return client.files.create(file=file_of(line("a")), purpose="batch", extra_headers=ONCE).id

    sent = send()
    assert send() == sent
    assert [file.id for file in client.files.list()] == [sent]
    client.files.delete(sent)
    with pytest.raises(openai.APIStatusError) as error:
        send()
    assert (error.value.status_code, error.value.code) == (410, "deleted_since")
    assert [*client.files.list()] == []


def test_our_own_client_says_when_a_file_and_its_answers_are_to_go(client, http, services, tmp_path):
    (tmp_path / "requests.jsonl").write_bytes(file_of(line("a"))[1])
    server = make_server("127.0.0.1", 0, http.application, threaded=True)
    with Serving(server), Client(f"http://127.0.0.1:{server.server_port}") as ours:
        ordered = ours.orders.create(tmp_path / "requests.jsonl", expires_after=7200)
    (sent,) = client.files.list()
    assert sent.expires_at - sent.created_at == 7200
    batch_id = ordered.id.removeprefix("batch_")
    assert services.orders.of([batch_id])[batch_id].output_expires_after_s == 7200
