"""Drawn answers and stop texts, as the client and the command ask for them."""

import json

import pytest

from eva01.client.client import Client
from eva01.client.wishes import Wishes
from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.scripted_server import BATCH_ID, JOB_ID

ASKED: Wishes = {"temperature": 0.5, "top_p": 0.9, "seed": -3, "stop": [" END", "。"]}


def test_the_client_says_them_in_batches_and_in_forms(server, tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    job = {"id": JOB_ID, "state": "queued"}
    server.replies = [({"id": BATCH_ID}, 201, {}), (job, 202, {}), (job, 202, {})]
    server.replies += [({"models": [{"name": "m", "has_sampling": True}, {"name": "old"}]}, 200, {})]
    with Client(server.url) as client:
        client.create_batch("?", **ASKED)
        client.create_job(tmp_path / "a.png", **ASKED)
        client.analyze(tmp_path / "a.png", temperature=0, stop="END")
        assert [model.has_sampling for model in client.models()] == [True, False]
    assert server.bodies[0] == {"name": "", "question": "?", **ASKED}
    assert {name: json.loads(server.fields[1][name]) for name in ASKED} == {**ASKED}
    assert (server.fields[2]["temperature"], json.loads(server.fields[2]["stop"])) == ("0", ["END"])
    assert "seed" not in server.fields[2]


def test_submit_says_them(run, server, images):  # noqa: F811
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), page()]
    options = ("--temperature", "0.5", "--top-p", "0.9", "--seed", "-3", "--stop", " END", "--stop", "。")
    run("submit", images, "-q", "?", *options)
    assert {name: server.bodies[0][name] for name in ASKED} == ASKED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--temperature", "2.5"), "2.5"),
        (("--top-p", "0.5"), "needs a --temperature"),
        (("--temperature", "0", "--top-p", "0.5"), "needs a --temperature above 0"),
        (("--seed", "1"), "--seed needs a --temperature above 0"),
        (("--temperature", "1", "--top-p", "0"), "0"),
        (("--seed", "9223372036854776001"), "seed"),
        (("--stop", "a", "--field", "total:number"), "want whole"),
        (("--temperature", "1", "--batch", BATCH_ID), "temperature"),
    ],
)
def test_what_no_server_takes_is_refused_before_anything_is_sent(run, server, images, options, says):  # noqa: F811
    code, _, err = run("submit", images, *options)
    assert (code, server.requests) == (2, [])
    assert says in err
