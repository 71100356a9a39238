"""What vLLM does besides: fields, how sure it is, streams; what is cancelled, and what a dead server had."""

import base64
import re
import signal
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.files.drawing import RGB, SHAPES
from tests.process.others.scenes import QUESTION, SCENES, THEIRS, answers, send
from tests.processes import wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

FIELDS = (f"background:{'|'.join(RGB)}", "count:integer", f"shapes:{'|'.join(SHAPES)}[]", "solid:boolean")
#: The same greedy tokens by two programs: their sums are rounded in another order.
SAME = pytest.approx


def counted(server, what: str) -> float:
    """The sum of one of its metrics."""
    page = httpx.get(f"{server.url}/metrics", timeout=30).text
    return sum(
        float(value) for value in re.findall(rf"^{re.escape(what)}\{{.*\}} (\S+)$", page, re.MULTILINE)
    )


def is_idle(server) -> bool:
    return not any(counted(server, f"vllm:num_requests_{what}") for what in ("running", "waiting"))


def test_fields_are_filled_as_by_our_own_engine_and_as_drawn(client, folder):
    question = "Fill in the fields."
    ours, theirs = (answers(client, folder, model, question, fields=FIELDS) for model in ("nano", THEIRS))
    assert [job.data for job in theirs] == [job.data for job in ours]
    drawn = [(scene.background, len(scene.shapes), not scene.shapes) for scene in SCENES]
    assert [(job.data["background"], job.data["count"], job.data["solid"]) for job in theirs] == drawn


def test_it_is_as_sure_as_our_own_engine(client, folder):
    ours, theirs = (
        answers(client, folder, model, logprobs=True, top_logprobs=2) for model in ("nano", THEIRS)
    )
    for own, other in zip(ours, theirs, strict=True):
        assert other.confidence == SAME(own.confidence, abs=1e-3)
        tokens, others = (client.job(job.id).logprobs.content for job in (own, other))
        assert [token.token for token in others[: len(tokens)]] == [token.token for token in tokens]


def test_a_stream_says_the_same(stack, folder):
    data = base64.b64encode((folder / "00.png").read_bytes()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    messages: Any = [{"role": "user", "content": [image, {"type": "text", "text": QUESTION}]}]
    with OpenAI(base_url=f"{stack.url}/v1", api_key="any", max_retries=0) as asking:
        chunks = [*asking.chat.completions.create(model=THEIRS, messages=messages, stream=True)]
    # How many there are is a matter of speed.
    pieces = [piece for chunk in chunks for choice in chunk.choices if (piece := choice.delta.content)]
    assert "".join(pieces) == SCENES[0].description


def test_what_is_cancelled_is_given_up_by_the_server_too(client, server, folder):
    before = counted(server, "vllm:request_success_total")
    server.process.send_all(signal.SIGSTOP)
    try:
        batch_id = send(client, folder, THEIRS)
        wait_until(lambda: client.batch(batch_id).counts.get("running"), "the worker has asked")
        client.cancel_batch(batch_id)
    finally:
        server.process.send_all(signal.SIGCONT)
    assert {job.state for job in client.results(batch_id)} == {"cancelled"}
    wait_until(lambda: is_idle(server), "the server has nothing to do")
    assert counted(server, "vllm:request_success_total") - before <= len(SCENES)
    assert [job.answer for job in answers(client, folder, THEIRS)] == [scene.description for scene in SCENES]


def test_what_a_dead_server_had_is_answered_by_the_next(client, server, folder):
    server.process.send_all(signal.SIGSTOP)
    batch_id = send(client, folder, THEIRS)
    wait_until(lambda: client.batch(batch_id).counts.get("running"), "the worker has asked")
    server.process.send_all(signal.SIGKILL)
    server.process.wait()
    server.start()
    client.wait(batch_id)
    jobs = sorted(client.results(batch_id), key=lambda job: job.file)
    assert [(job.state, job.answer) for job in jobs] == [("succeeded", scene.description) for scene in SCENES]
