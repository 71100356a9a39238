"""How likely each token was, in the client and the command: asked for, read, and saved as JSONL."""

import json

import pytest

from eva01.client.client import Client
from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.scripted_server import BATCH_ID, JOB_ID

RED = {"token": "red", "logprob": -0.25, "bytes": [114, 101, 100]}
TOLD = {"content": [{**RED, "top_logprobs": [RED, {"token": "<end>", "logprob": -9999.0, "bytes": None}]}]}


def test_the_client_asks_for_them_and_reads_them(server, tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    job = {"id": JOB_ID, "state": "succeeded", "answer": "red"}
    server.replies = [
        (job, 200, {}),
        ({**job, "logprobs": TOLD}, 200, {}),
        ({**job, "state": "queued"}, 202, {}),
        ({"id": BATCH_ID}, 201, {}),
        ({"models": [{"name": "m", "has_logprobs": True}, {"name": "old"}]}, 200, {}),
    ]
    with Client(server.url) as client:
        found = client.analyze(tmp_path / "a.png", "?", logprobs=True, top_logprobs=2)
        client.create_job(tmp_path / "a.png", logprobs=True)
        client.create_batch("?", logprobs=True, top_logprobs=0)
        assert [model.has_logprobs for model in client.models()] == [True, False]
    assert found.logprobs
    (token,) = found.logprobs.content
    assert (token.token, token.logprob, token.bytes) == ("red", -0.25, [114, 101, 100])
    assert [(top.token, top.bytes) for top in token.top_logprobs] == [("red", [*b"red"]), ("<end>", None)]
    assert [path for _, path, *_ in server.requests][:3] == ["/analyze", f"/api/jobs/{JOB_ID}", "/api/jobs"]
    assert (server.fields[0]["logprobs"], server.fields[0]["top_logprobs"]) == ("true", "2")
    assert (server.fields[2]["logprobs"], "top_logprobs" in server.fields[2]) == ("true", False)
    assert server.bodies[3] == {"name": "", "question": "?", "logprobs": True, "top_logprobs": 0}


def test_a_wish_that_there_is_not_is_a_mistake_of_the_program(server):
    with Client(server.url) as client, pytest.raises(TypeError, match="max_pixel "):
        client.create_batch("What?", max_pixel=9)  # type: ignore[call-arg]
    assert not server.requests


def test_a_client_that_does_not_ask_says_nothing_of_them(server):
    server.replies = [({"id": BATCH_ID}, 201, {})]
    with Client(server.url) as client:
        client.create_batch("?")
    assert server.bodies[0] == {"name": "", "question": "?"}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (("--logprobs",), {"logprobs": True}),
        (("--top-logprobs", "3"), {"logprobs": True, "top_logprobs": 3}),
        (("--logprobs", "--top-logprobs", "0"), {"logprobs": True, "top_logprobs": 0}),
    ],
)
def test_submit_asks_for_them_and_saves_them(run, server, images, tmp_path, options, asked):  # noqa: F811
    line = json.dumps({"file": "a.png", "logprobs": TOLD})
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), (line, 200, {}), page()]
    code, _, _ = run("submit", images, "-q", "?", *options, "--out", tmp_path / "r.jsonl")
    assert code == 0
    told = {name: value for name, value in server.bodies[0].items() if "logprobs" in name}
    assert told == asked
    assert json.loads((tmp_path / "r.jsonl").read_text())["logprobs"] == TOLD


@pytest.mark.parametrize("options", [("--logprobs",), ("--top-logprobs", "2")])
@pytest.mark.parametrize("out", ["r.csv", "r.xlsx", "r.parquet", "r"])
def test_a_file_without_room_is_refused_at_once(run, server, images, tmp_path, options, out):  # noqa: F811
    code, _, err = run("submit", images, *options, "--out", tmp_path / out)
    assert (code, server.requests) == (2, [])
    assert "need a .jsonl file" in err


def test_more_than_a_server_names_are_refused_before_anything_is_sent(run, server, images):  # noqa: F811
    code, _, err = run("submit", images, "--top-logprobs", "21")
    assert (code, server.requests) == (2, [])
    assert "21" in err


def test_a_batch_that_is_there_has_what_it_asks_already(run, server, images):  # noqa: F811
    code, _, err = run("submit", images, "--logprobs", "--batch", BATCH_ID)
    assert (code, server.requests) == (2, [])
    assert "logprobs" in err
