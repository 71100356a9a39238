"""Chats as OpenAI's own client asks about them, on a real Redis, answered as a worker does."""

import asyncio
import base64
import json
import re

import openai
import pytest
from flask.testing import EnvironBuilder
from gunicorn.config import Config
from openai import OpenAI

from jobs.contract.asking.chat import Role, Turn
from jobs.contract.codes import Code
from jobs.contract.models import Job, JobError, JobState, Result, Usage
from jobs.contract.settings import WebSettings
from tests.asking import IMAGE
from tests.chats import SAID, SURE, about, about_it, image, text
from tests.files import pdfs
from tests.processes import until
from web.front.front import Front
from web.http.waiting import PAUSES
from web.intake.spool import CHAT_PATH
from web.openai.chat.completion import completion_of, failure_of
from web.openai.chat.request import ChatRequest
from web.openai.responses.response import response_of

pytestmark = pytest.mark.redis


URL = "messages[0].content[0].image_url.url"
OBFUSCATION = "stream_options.include_obfuscation"


def schema_of(schema: dict) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "seen", "schema": schema}}


def refused(client: OpenAI, **said) -> openai.APIStatusError:
    asked = {"model": "nano", "messages": about_it(), **said}
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(**asked)
    return error.value


def test_an_answer_is_a_completion(client, worker):
    jobs = worker(SAID)
    made = client.chat.completions.create(model="nano", messages=about_it(), max_completion_tokens=7)
    (job,) = jobs
    (choice,) = made.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == (
        *("assistant", "A red circle."),
        "stop",
    )
    assert (made.id, made.model, made.object) == (f"chatcmpl-{job.id}", "nano", "chat.completion")
    assert made.created == int(job.created_at.timestamp())
    assert made.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 21,
        "completion_tokens": 4,
        "total_tokens": 25,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert made._request_id
    assert (job.question, job.file, job.options.max_new_tokens) == ("What is this?", "image-1.png", 7)
    assert job.batch_id is None
    assert choice.logprobs is None


def test_how_sure_the_model_was_is_in_the_choice_and_the_client_keeps_it(client, worker):
    worker(SURE, SAID)
    sure, unknown = (
        client.chat.completions.create(model="nano", messages=about_it(question)).choices[0]
        for question in ("What is this?", "Sure?")
    )
    assert (sure.confidence, sure.model_extra["field_confidence"]) == (0.75, {"color": 0.5})
    assert unknown.model_extra == {"confidence": None, "field_confidence": None}


def test_a_chat_is_kept_turn_by_turn_with_its_images_in_their_places(client, worker):
    jobs = worker(SAID)
    second = client.chat.completions.create(
        model="nano",
        messages=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [text("First:"), image(), image(detail="high")]},
            {"role": "assistant", "content": [text("Two circles.")], "refusal": None, "tool_calls": None},
            {"role": "user", "content": "Which is larger?"},
        ],
    )
    assert second.choices[0].message.content == "A red circle."
    (job,) = jobs
    assert job.options.chat == (
        Turn(role=Role.SYSTEM, parts=("Be short.",)),
        Turn(role=Role.USER, parts=("First:", None, None)),
        Turn(role=Role.ASSISTANT, parts=("Two circles.",)),
        Turn(role=Role.USER, parts=("Which is larger?",)),
    )
    assert job.question == "Which is larger?"
    assert (len(job.images), job.files) == (2, ("image-1.png", "image-2.png"))


def test_an_answer_that_was_given_can_be_sent_back(client, worker):
    worker(SAID, SAID)
    first = client.chat.completions.create(model="nano", messages=about_it())
    messages = [*about_it(), first.choices[0].message, {"role": "user", "content": "Sure?"}]
    again = client.chat.completions.create(model="nano", messages=messages)
    assert again.choices[0].message.content == "A red circle."


def test_formats_and_logprobs_are_asked_for_as_openai_has_them(client, worker):
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "seen", "schema": {"type": "object"}, "strict": True},
    }
    jobs = worker(SAID)
    client.chat.completions.create(
        model="nano", messages=about_it(), response_format=wanted, logprobs=True, top_logprobs=2, max_tokens=5
    )
    options = jobs[0].options
    assert options.response_format is not None
    assert (options.response_format.public(), options.top_logprobs) == (wanted, 2)


def test_how_tokens_are_drawn_and_where_an_answer_stops_are_said_as_openai_has_them(client, worker):
    jobs = worker(SAID, SAID)
    client.chat.completions.create(
        model="nano", messages=about_it(), temperature=0.7, top_p=0.9, seed=3, stop="\n"
    )
    client.chat.completions.create(model="nano", messages=about_it(), stop=["a", "b"])
    drawn, stopped = (job.options for job in jobs)
    assert (drawn.temperature, drawn.top_p, drawn.seed, drawn.stop) == (0.7, 0.9, 3, ("\n",))
    assert (stopped.temperature, stopped.stop) == (None, ("a", "b"))


def test_what_changes_nothing_may_be_said(client, worker):
    worker(SAID)
    client.chat.completions.create(
        model="nano",
        messages=about_it(),
        n=1,
        stream=False,
        user="anna",
        metadata={"a": "b"},
        tools=[],
        presence_penalty=0.0,
        store=False,
        logit_bias=None,
    )


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, OBFUSCATION),
        ({"extra_body": {"stream": 1}}, "stream"),
        ({"extra_body": {"top_k": 5}}, "top_k"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 7, "max_completion_tokens": 8}, "max_tokens"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "y"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "name": "Anna", "content": "x"}]}, "messages[0].name"),
        ({"messages": about(image(detail="low"))}, "messages[0].content[0].image_url.detail"),
        ({"messages": about({"type": "text"})}, "messages[0].content[0].text"),
        (
            {"messages": about(text("?"), {"type": "image_url", "image_url": "x"})},
            "messages[0].content[1].image_url",
        ),
        ({"messages": about(image("data:image/png,abc"))}, URL),
        ({"messages": about(image("data:image/png;base64,a$b="))}, URL),
        ({"messages": about(image("iVBORw0KGgoAAAANSUhEUgAA"))}, URL),
        ({"messages": about({"type": "file", "file": {}})}, "messages[0].content[0]"),
        ({"messages": [*about_it(), {"role": "assistant", "content": "A"}]}, "messages"),
        ({"messages": [{"role": "system", "content": [image()]}, *about_it()]}, "messages[0]"),
        ({"messages": []}, "messages"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": "a", "response_format": {"type": "json_object"}}, "stop"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"extra_body": {"response_format": "json"}}, "response_format"),
        ({"top_p": 0.5}, "top_p"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_name(client, redis_client, said, field):
    error = refused(client, **said)
    assert (error.status_code, error.code, error.type) == (400, "invalid_field", "invalid_request_error")
    assert error.param == field
    assert re.split(r"[.[]", field)[0] in error.message
    assert not re.search("instance|dictionary|tag", error.message), "it speaks of Python"
    assert error.response.headers["x-should-retry"] == "false"
    assert list(redis_client.scan_iter("eva01:job:*")) == []


def test_the_name_of_a_parameter_that_there_is_not_is_not_said_back_whole(client):
    error = refused(client, extra_body={"k" * 10_000: 1})
    assert error.param == "k" * 100
    assert len(error.response.content) < 1000


@pytest.mark.parametrize(
    ("said", "status", "code", "field"),
    [
        ({"messages": [{"role": "user", "content": "What is the time?"}]}, 400, "missing_file", "messages"),
        ({"messages": [{"role": "user", "content": [image()]}]}, 400, "missing_question", "messages"),
        ({"messages": about_it("x" * 4001)}, 413, "question_too_long", "messages"),
        ({"model": "gpt-5"}, 404, "model_not_found", "model"),
        ({"max_tokens": 5000}, 413, "too_many_tokens", "max_tokens"),
        ({"max_completion_tokens": 5000}, 413, "too_many_tokens", "max_completion_tokens"),
        ({"model": "ocr", "max_tokens": 50}, 422, "no_token_limit", "max_tokens"),
        ({"model": "ocr", "logprobs": True}, 422, "no_logprobs", "logprobs"),
        ({"model": "ocr", "seed": 1, "stop": "x"}, 422, "no_sampling", "seed"),
        ({"model": "ocr", "response_format": {"type": "json_object"}}, 422, "no_fields", "response_format"),
        ({"response_format": schema_of({"not": {}})}, 422, "unsupported_schema", "response_format"),
        ({"messages": about(image("https://a.example/b.png"))}, 422, "no_public_address", URL),
        ({"messages": about(image("data:image/png;base64,AAAA"))}, 422, "not_an_image", URL),
        (
            {"messages": about(image(), text("And?"), image("data:image/png;base64,AAAA"))},
            *(422, "not_an_image", "messages[0].content[2].image_url.url"),
        ),
        ({"messages": about(*[image()] * 17)}, 413, "too_many_images", "messages"),
    ],
)
def test_other_refusals_have_their_codes_and_the_callers_names(
    client, redis_client, said, status, code, field
):
    error = refused(client, **said)
    assert (error.status_code, error.code, error.param) == (status, code, field)
    assert "max_new_tokens" not in error.message
    assert list(redis_client.scan_iter("eva01:job:*")) == []


def test_an_image_may_be_at_an_address_beside_one_that_is_sent(client, worker, internet):
    internet.pages["images.example.org/b.png"] = lambda visit: visit.give(IMAGE)
    jobs = worker(SAID)
    both = about(image("https://images.example.org/b.png"), image())
    made = client.chat.completions.create(model="nano", messages=both)
    assert made.choices[0].message.content == "A red circle."
    assert jobs[0].files == ("images.example.org/b.png", "image-2.png")


def test_a_failure_is_an_error_that_is_not_sent_again(client, worker):
    message = "It was cut. Ask again with a larger max_new_tokens."
    worker(Result(error=JobError(code=Code.INCOMPLETE_ANSWER, message=message)))
    error = refused(client, max_tokens=9)
    assert (error.status_code, error.code) == (500, "incomplete_answer")
    assert "It was cut. Ask again with a larger max_tokens." in error.message
    assert error.response.headers["x-should-retry"] == "false"


def test_a_code_of_a_later_version_is_a_failure_too():
    job = Job(file="a", question="?", model="nano", state=JobState.FAILED)
    job = job.model_copy(update={"error": JobError(code="of_later", message="Why.")})
    error = failure_of(job, ChatRequest.NAMES)
    assert (error.code, error.message) == (Code.ENGINE_FAILED, "Why.")


def test_what_was_thought_is_beside_the_answer_of_a_completion():
    job = Job(file="a", question="?", model="nano", state=JobState.SUCCEEDED, answer="A circle.")
    assert "reasoning_content" not in completion_of(job, None)["choices"][0]["message"]
    thoughtful = job.model_copy(update={"reasoning": "It is red."})
    said = completion_of(thoughtful, None)["choices"][0]["message"]
    assert (said["content"], said["reasoning_content"]) == ("A circle.", "It is red.")


def test_how_many_tokens_were_thought_is_said_where_they_were_counted():
    job = Job(file="a", question="?", model="nano", state=JobState.SUCCEEDED, answer="A circle.")
    thoughtful = job.model_copy(update={"reasoning": "It is red."})
    counted = thoughtful.model_copy(update={"usage": Usage(output_tokens=9, reasoning_tokens=5)})
    told = [
        (completion_of(one, None)["usage"].get("completion_tokens_details"),
         response_of(one, None)["usage"].get("output_tokens_details"))
        for one in (job, thoughtful, counted)
    ]  # fmt: skip
    none, unknown, five = ({"reasoning_tokens": 0},) * 2, (None, None), ({"reasoning_tokens": 5},) * 2
    assert told == [none, unknown, five]


def jobs_of(store, redis_client) -> list[Job]:
    ids = [key.removeprefix("eva01:job:") for key in redis_client.scan_iter("eva01:job:*")]
    return [store.get_job(job_id) for job_id in ids]


def test_who_waits_too_long_is_told_so_and_the_job_is_cancelled(make_http, backend, redis_client):
    http = make_http(chat_wait_s=0.2)
    answer = http.post("/v1/chat/completions", json={"model": "nano", "messages": about_it()})
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "answer_too_late")
    assert [job.state for job in jobs_of(backend.store, redis_client)] == [JobState.CANCELLED]


def test_a_pdf_that_is_read_whole_counts_with_all_its_pages(make_http, backend, redis_client):
    http = make_http(chat_wait_s=0.2)
    content = pdfs.document(pdfs.Page(), pdfs.Page(pdfs.GREEN))
    address = "data:image/png;base64," + base64.b64encode(content).decode()
    said = {"model": "ocr", "messages": about(image(address))}
    assert http.post("/v1/chat/completions", json=said).json["error"]["code"] == "answer_too_late"
    (job,) = jobs_of(backend.store, redis_client)
    assert (job.pages, job.counts_as) == (2, 2)


def test_a_server_that_stops_cancels_the_job_and_says_that_the_same_may_be_sent_again(
    http, services, backend, redis_client
):
    services.stopping.set()
    answer = http.post("/v1/chat/completions", json={"model": "nano", "messages": about_it()})
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "server_stops")
    assert answer.headers["x-should-retry"] == "true"
    assert [job.state for job in jobs_of(backend.store, redis_client)] == [JobState.CANCELLED]


def test_who_leaves_a_server_that_notices_takes_the_job_along(make_app, backend, redis_client):
    app = make_app(WebSettings(models=("nano",)))
    front = Front(app, Config())

    async def leave() -> None:
        server = await asyncio.start_server(front._take, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        body = json.dumps({"model": "nano", "messages": about_it()}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await until(lambda: jobs_of(backend.store, redis_client))
        writer.close()
        await until(lambda: jobs_of(backend.store, redis_client)[0].state is JobState.CANCELLED)
        server.close()

    asyncio.run(leave())


def test_models_are_listed_and_found(client):
    assert [(model.id, model.object, model.owned_by) for model in client.models.list()] == [
        ("nano", "model", "eva01"),
        ("ocr", "model", "eva01"),
    ]
    assert client.models.retrieve("ocr").id == "ocr"
    with pytest.raises(openai.NotFoundError) as error:
        client.models.retrieve("gpt-5")
    assert error.value.code == "model_not_found"


def test_what_is_not_there_is_an_error_in_the_same_envelope(http):
    answer = http.get("/v1/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert answer.json["error"]["code"] == "no_such_page"
    assert http.post("/v1/chat/completions", data="{").json["error"]["code"] == "malformed_body"
    assert http.post("/v1/chat/completions", json=[]).json["error"]["code"] == "malformed_body"


def test_a_chat_of_many_bytes_is_taken_and_one_of_too_many_is_not(make_http):
    http = make_http(limits={"max_chat_bytes": 10_000_000}, chat_wait_s=0.05)
    padded = base64.b64encode(IMAGE + bytes(6_600_000)).decode()
    large = [{"role": "user", "content": [image(f"data:image/png;base64,{padded}"), text("?")]}]
    taken = http.post("/v1/chat/completions", json={"model": "nano", "messages": large})
    assert taken.json["error"]["code"] == "answer_too_late"
    larger = [{"role": "user", "content": [*large[0]["content"], image(f"data:image/png;base64,{padded}")]}]
    refused = http.post("/v1/chat/completions", json={"model": "nano", "messages": larger})
    assert (refused.status_code, refused.json["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/batches"])
def test_a_body_that_is_sent_as_a_form_is_not_read(http, path):
    answer = http.post(path, data=b"x" * 100, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400
    assert "as a form" in answer.get_json()["error"]["message"]


def test_a_body_that_is_no_json_is_said_to_be_none(http):
    error = http.post("/v1/chat/completions", data="{", content_type="application/json").get_json()["error"]
    assert (error["code"], error["message"]) == (
        "malformed_body",
        "The body is no JSON. Send a JSON object, in UTF-8.",
    )


@pytest.mark.parametrize("more", [{}, {"stream": True}])
def test_who_was_left_waiting_and_comes_again_under_the_same_key_is_answered(http, worker, more):
    asked, headers = {"model": "nano", "messages": about_it(), **more}, {"Idempotency-Key": "one"}
    left = EnvironBuilder(http.application, CHAT_PATH, method="POST", json=asked, headers=headers)
    response = http.application(left.get_environ() | {PAUSES: True}, lambda *_: None)
    assert next(iter(response)) == b""
    response.close()
    worker(SAID)
    assert http.post(CHAT_PATH, json=asked, headers=headers).status_code == 200
