"""Chats whose answers are heard while they are said, by OpenAI's own client, on a real Redis."""

import asyncio
import json
import threading
from typing import Any

import openai
import pytest
from gunicorn.config import Config
from openai import AsyncOpenAI

from jobs.contract.codes import Code
from jobs.contract.models import JobError, JobState, Result
from jobs.contract.settings import WebSettings
from tests.chats import SAID, SURE, about_it
from tests.processes import until, wait_until
from tests.redis.web.openai.speaker import Speaker
from web.front.front import Front
from web.services import services_of

pytestmark = pytest.mark.redis

ASKED: dict[str, Any] = {"model": "nano", "messages": about_it(), "stream": True}


def texts(chunks) -> list[str]:
    """The texts of chunks that have one."""
    return [
        chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content
    ]


def test_text_comes_while_it_is_said(client, speaker):
    goes_on = threading.Event()
    worker = speaker((0, "A red"), goes_on, (5, " circle"), SAID)
    stream = client.chat.completions.create(**ASKED, stream_options={"include_usage": True})
    role, first = next(stream), next(stream)
    assert (role.choices[0].delta.role, role.choices[0].delta.content) == ("assistant", "")
    assert first.choices[0].delta.content == "A red"
    assert worker.state is JobState.RUNNING
    goes_on.set()
    *rest, last, used = stream
    assert "".join(texts([first, *rest, last])) == "A red circle."
    assert [chunk.choices[0].finish_reason for chunk in (role, first, *rest)] == [None] * (2 + len(rest))
    assert last.choices[0].finish_reason == "stop"
    assert used.choices == []
    assert used.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 21,
        "completion_tokens": 4,
        "total_tokens": 25,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert {chunk.usage for chunk in (role, first, *rest, last)} == {None}
    assert {(chunk.id, chunk.model, chunk.object) for chunk in (role, first, *rest, last, used)} == {
        (f"chatcmpl-{worker.job.id}", "nano", "chat.completion.chunk")
    }


def test_the_last_piece_says_how_sure_the_model_was(client, speaker):
    speaker((0, "A red"), SURE)
    *chunks, last = client.chat.completions.create(**ASKED)
    assert (last.choices[0].confidence, last.choices[0].field_confidence) == (0.75, {"color": 0.5})
    assert not any(chunk.choices[0].model_extra for chunk in chunks)


def test_without_anybody_who_says_it_piece_by_piece_the_answer_comes_at_the_end(client, speaker):
    speaker(SAID)
    chunks = [*client.chat.completions.create(**ASKED)]
    assert texts(chunks) == ["A red circle."]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_what_is_thought_comes_before_the_text(client, speaker):
    said = SAID.model_copy(update={"reasoning": "It is red."})
    speaker((0, "It is", True), (0, "It is red.", True), (10, "A red"), said)
    chunks = [*client.chat.completions.create(**ASKED)]
    deltas = [chunk.choices[0].delta for chunk in chunks]
    thought = [delta.model_extra.get("reasoning_content") for delta in deltas]
    assert "".join(one for one in thought if one) == "It is red."
    assert "".join(texts(chunks)) == "A red circle."
    assert not any(delta.content for delta, one in zip(deltas, thought, strict=True) if one)


def test_what_a_second_worker_says_again_is_passed_over(client, speaker):
    speaker((0, "A red"), (0, "A"), (1, " re"), (4, "d circ"), SAID)
    assert "".join(texts(client.chat.completions.create(**ASKED))) == "A red circle."


def test_what_a_lost_message_held_comes_with_the_end(client, speaker):
    goes_on = threading.Event()
    speaker((0, "A"), goes_on, (5, " circle"), SAID)
    stream = client.chat.completions.create(**ASKED)
    assert texts([next(stream), next(stream)]) == ["A"]
    goes_on.set()
    assert texts(stream) == [" red circle."]


@pytest.mark.parametrize(
    "then",
    [
        *((0, "A blue"), (2, "blue"), Result(answer="A blue circle.")),
        *((5, " or so", True), SAID.model_copy(update={"reasoning": "It is red."})),
    ],
)
def test_a_second_worker_that_says_something_else_ends_the_stream(client, speaker, then):
    goes_on = threading.Event()
    worker = speaker((0, "A red"), goes_on, then)
    stream = client.chat.completions.create(**ASKED)
    assert texts([next(stream), next(stream)]) == ["A red"]
    goes_on.set()
    with pytest.raises(openai.APIError, match="another one answers otherwise") as error:
        list(stream)
    assert (error.value.code, error.value.type) == ("engine_failed", "server_error")
    assert worker.state in (JobState.CANCELLED, JobState.SUCCEEDED)


def test_an_answer_that_turns_out_to_be_thought_ends_the_stream_and_says_so(client, speaker):
    speaker((0, "It is red.</think>A red"), SAID.model_copy(update={"reasoning": "It is red."}))
    with pytest.raises(openai.APIError, match="was its model's thought"):
        list(client.chat.completions.create(**ASKED))


def test_a_failure_is_an_error_of_the_call_before_the_first_text_and_an_event_after_it(client, speaker):
    failed = Result(error=JobError(code=Code.INCOMPLETE_ANSWER, message="It was cut."))
    speaker(failed)
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(**ASKED)
    assert refused.value.code == "incomplete_answer"
    goes_on = threading.Event()
    speaker((0, "A red"), goes_on, failed)
    stream = client.chat.completions.create(**ASKED)
    goes_on.set()
    with pytest.raises(openai.APIError, match="It was cut") as error:
        list(stream)
    assert error.value.code == "incomplete_answer"


def test_silence_is_broken_by_comments_and_who_leaves_takes_the_job_along(make_http, backend, redis_client):
    answer = make_http(stream_alive_s=0.05).post("/v1/chat/completions", json=ASKED)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    events = answer.iter_encoded()
    role = json.loads(next(events).removeprefix(b"data: "))
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [next(events), next(events)] == [b": still at it\n\n"] * 2
    answer.close()
    (key,) = redis_client.scan_iter("eva01:job:*")
    assert redis_client.hget(key, "state") == JobState.CANCELLED


def test_a_server_that_stops_ends_the_stream_with_an_error(client, services, speaker):
    worker = speaker((0, "A red"))
    stream = client.chat.completions.create(**ASKED)
    next(stream)
    services.stopping.set()
    with pytest.raises(openai.APIError) as error:
        list(stream)
    assert error.value.code == "server_stops"
    assert worker.state is JobState.CANCELLED


def test_a_stream_that_takes_too_long_ends_with_an_error(make_http):
    # It begins at its first look, for having said nothing so long.
    http = make_http(stream_alive_s=1e-9, chat_wait_s=0.1)
    events = http.post("/v1/chat/completions", json=ASKED).get_data(as_text=True).split("\n\n")
    assert json.loads(events[0].removeprefix("data: "))["choices"][0]["delta"]["role"] == "assistant"
    assert json.loads(events[-2].removeprefix("data: "))["error"]["code"] == "answer_too_late"


def test_a_stream_is_not_kept_under_an_idempotency_key(http, speaker):
    for _ in range(2):
        speaker((0, "A red"), SAID)
        answer = http.post("/v1/chat/completions", json=ASKED, headers={"Idempotency-Key": "one"})
        assert answer.get_data().endswith(b"data: [DONE]\n\n")
        assert "Idempotency-Replayed" not in answer.headers


def test_nothing_of_it_stays_in_redis_and_nobody_listens_any_more(client, services, speaker, redis_client):
    speaker((0, "A red"), SAID)
    [*client.chat.completions.create(**ASKED)]
    assert not [key for key in redis_client.scan_iter("*") if "said" in key]
    wait_until(lambda: not redis_client.pubsub_channels("eva01:said:*"), "nobody listens")


def test_many_are_streamed_at_once_by_fewer_threads_and_who_leaves_is_noticed(make_app, redis_client):
    app = make_app(WebSettings(models=("nano",), web_threads=2))
    serving = services_of(app)
    goes_on = threading.Event()
    workers = [Speaker(serving, ((0, "A"), goes_on, (1, " red"), SAID)) for _ in range(6)]

    async def ask_all() -> list[str]:
        front = Front(app, Config())
        server = await asyncio.start_server(front._take, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with AsyncOpenAI(base_url=f"http://{host}:{port}/v1", api_key="any", max_retries=0) as client:
            streams = [await client.chat.completions.create(**ASKED) for _ in workers]
            for stream in streams:
                await anext(stream)
            left, *stay = streams
            await left.close()
            await until(lambda: JobState.CANCELLED in {worker.state for worker in workers})
            goes_on.set()
            said = ["".join(texts([chunk async for chunk in stream])) for stream in stay]
        server.close()
        return said

    assert asyncio.run(ask_all()) == ["A red circle."] * (len(workers) - 1)
    for worker in workers:
        worker.join()
