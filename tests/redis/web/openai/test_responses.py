"""Responses as OpenAI's own client asks for them, on a real Redis, answered as a worker does."""

import threading
from typing import Any

import openai
import pytest
from openai import OpenAI

from jobs.contract.asking.chat import Role, Turn
from jobs.contract.codes import Code
from jobs.contract.models import FinishReason, JobError, JobState, Result
from tests.chats import DATA, SAID, SURE

pytestmark = pytest.mark.redis

IMAGE = {"type": "input_image", "image_url": DATA, "detail": "auto"}
QUESTION = {"type": "input_text", "text": "What is this?"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"color": {"type": "string"}},
    "required": ["color"],
    "additionalProperties": False,
}
CUT = {"finish_reason": FinishReason.LENGTH}
THOUGHT = SAID.model_copy(update={"reasoning": "It is red."})


def about_it(*before: Any) -> Any:
    return [*before, {"role": "user", "content": [IMAGE, QUESTION]}]


def refused(client: OpenAI, **said: Any) -> openai.APIStatusError:
    asked: dict[str, Any] = {"model": "nano", "input": about_it(), **said}
    with pytest.raises(openai.APIStatusError) as error:
        client.responses.create(**asked)
    return error.value


def test_an_answer_is_a_response(client, worker):
    jobs = worker(SAID)
    made = client.responses.create(
        model="nano", input=about_it(), instructions="Be short.", max_output_tokens=7, store=True
    )
    (job,) = jobs
    assert job.options.max_new_tokens == 7
    assert job.options.chat == (
        Turn(role=Role.SYSTEM, parts=("Be short.",)),
        Turn(role=Role.USER, parts=(None, "What is this?")),
    )
    assert (made.id, made.object, made.model) == (f"resp_{job.id}", "response", "nano")
    assert (made.status, made.error, made.incomplete_details) == ("completed", None, None)
    assert made.output_text == "A red circle."
    assert made.usage
    assert (made.usage.input_tokens, made.usage.output_tokens, made.usage.total_tokens) == (21, 4, 25)
    assert client.responses.retrieve(made.id).model_dump() == made.model_dump()


def test_how_sure_the_model_was_is_in_the_response_also_of_a_stream_and_later(client, worker, speaker):
    worker(SURE)
    made = client.responses.create(model="nano", input=about_it())
    assert (made.confidence, made.model_extra["field_confidence"]) == (0.75, {"color": 0.5})
    assert client.responses.retrieve(made.id).model_extra == made.model_extra
    speaker((0, "A red"), SURE)
    begun, *_, last = client.responses.create(model="nano", input=about_it(), stream=True, temperature=1)
    assert begun.response.confidence is None
    assert last.response.model_extra == made.model_extra


def test_an_answer_that_is_sent_back_is_a_turn(client, worker):
    jobs = worker(SAID, SAID)
    first = client.responses.create(model="nano", input=about_it())
    more = {"role": "user", "content": "And its size?", "type": "message"}
    client.responses.create(model="nano", input=[*about_it(), *first.output, more])
    assert jobs[1].options.chat == (
        Turn(role=Role.USER, parts=(None, "What is this?")),
        Turn(role=Role.ASSISTANT, parts=("A red circle.",)),
        Turn(role=Role.USER, parts=("And its size?",)),
    )
    assert jobs[1].question == "And its size?"


def test_an_answer_that_was_cut_is_incomplete(client, worker):
    worker(SAID.model_copy(update=CUT))
    made = client.responses.create(model="nano", input=about_it())
    assert (made.status, made.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert made.output[0].status == "incomplete"


def test_a_failure_is_an_error_of_the_call_and_in_what_is_read_later(client, worker):
    cut = JobError(code=Code.INCOMPLETE_ANSWER, message="It was cut.")
    jobs = worker(SAID.model_copy(update=CUT | {"answer": None, "error": cut}))
    error = refused(client)
    assert (error.status_code, error.code) == (500, "incomplete_answer")
    kept = client.responses.retrieve(f"resp_{jobs[0].id}")
    assert (kept.status, kept.error.message, kept.output) == ("failed", "It was cut.", [])
    assert kept.incomplete_details.reason == "max_output_tokens"
    assert kept.usage and kept.usage.output_tokens == 4


def test_a_schema_is_kept_to(client, worker):
    jobs = worker(SAID)
    named = {"type": "json_schema", "name": "of_it", "schema": SCHEMA, "strict": True}
    made = client.responses.create(model="nano", input=about_it(), text={"format": named})
    wanted = jobs[0].options.response_format
    assert (wanted.json_schema.name, wanted.json_schema.schema_) == ("of_it", SCHEMA)
    assert made.text.format.type == "json_schema"
    assert made.text.format.schema_ == SCHEMA


def test_how_likely_tokens_were_is_said_where_that_is_asked(client, worker):
    jobs = worker(SAID)
    client.responses.create(model="nano", input=about_it(), include=["message.output_text.logprobs"])
    assert jobs[0].options.top_logprobs == 0


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        ({"input": "What is this?"}, "input", "missing_file"),
        ({"input": []}, "input", "invalid_field"),
        ({"input": [{"role": "user", "content": [QUESTION]}]}, "input", "missing_file"),
        ({"input": [{"role": "user", "content": [IMAGE]}]}, "input", "missing_question"),
        ({"input": [*about_it(), {"role": "assistant", "content": "A"}]}, "input", "invalid_field"),
        ({"input": [{"role": "system", "content": [IMAGE]}]}, "input[0]", "invalid_field"),
        ({"input": [{"type": "reasoning", "id": "1", "summary": []}]}, "input", "invalid_field"),
        ({"input": [{"type": "web_search_call", "id": "1"}]}, "input[0]", "invalid_field"),
        ({"input": [{"role": "user", "content": [{**IMAGE, "file_id": "f"}]}]}, None, "invalid_field"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "invalid_field"),
        ({"background": True}, "background", "invalid_field"),
        ({"store": False}, "store", "invalid_field"),
        ({"tools": [{"type": "web_search"}]}, "tools", "invalid_field"),
        ({"reasoning": {"effort": "high"}}, "reasoning", "invalid_field"),
        ({"include": ["reasoning.encrypted_content"]}, "include[0]", "invalid_field"),
        ({"text": {"verbosity": "low"}}, "text.verbosity", "invalid_field"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema", "invalid_field"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options", "invalid_field"),
        ({"extra_body": {"seed": 1}}, "seed", "invalid_field"),
        ({"extra_body": {"messages": []}}, "messages", "invalid_field"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(client, said, field, code):
    error = refused(client, **said)
    assert (error.status_code, error.code) == (400, code)
    if field:
        assert error.param is not None
        assert error.param.startswith(field)


def test_an_image_that_is_none_is_named_by_its_place(client):
    bad = {**IMAGE, "image_url": "data:image/png;base64,?"}
    error = refused(client, instructions="Be short.", input=about_it({"role": "user", "content": [bad]}))
    assert error.param == "input[0].content[0].image_url"


def test_a_stream_says_each_part_and_then_all_of_it(client, speaker):
    goes_on = threading.Event()
    worker = speaker((0, "A red"), goes_on, (5, " circle"), SAID)
    events = client.responses.create(model="nano", input=about_it(), stream=True)
    begun = [next(events) for _ in range(5)]
    assert [event.type for event in begun] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
    ]
    assert (begun[0].response.status, begun[0].response.output) == ("in_progress", [])
    assert begun[-1].delta == "A red"
    assert worker.state is JobState.RUNNING
    goes_on.set()
    rest = [*events]
    all_of_it = [*begun, *rest]
    assert [event.sequence_number for event in all_of_it] == [*range(len(all_of_it))]
    said = "".join(event.delta for event in all_of_it if event.type == "response.output_text.delta")
    assert said == "A red circle."
    assert [event.type for event in rest[-4:]] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    last = rest[-1].response
    assert (last.id, last.output_text) == (f"resp_{worker.job.id}", said)
    assert last.model_dump() == client.responses.retrieve(last.id).model_dump()
    assert {event.item_id for event in all_of_it if hasattr(event, "item_id")} == {last.output[0].id}


def test_the_clients_own_helper_puts_a_stream_together(client, speaker):
    for said in ([(0, "A red"), (5, " circle"), SAID], [(0, "It is", True), (9, "A red"), THOUGHT]):
        speaker(*said)
        with client.responses.stream(model="nano", input=about_it()) as stream:
            assert stream.get_final_response().output_text == "A red circle."


def test_what_was_thought_is_an_item_before_the_answer_and_may_be_sent_back(client, worker):
    jobs = worker(THOUGHT, SAID)
    made = client.responses.create(model="nano", input=about_it())
    thought, message = made.output
    assert (thought.type, thought.status, thought.summary) == ("reasoning", "completed", [])
    assert [(part.type, part.text) for part in thought.content] == [("reasoning_text", "It is red.")]
    assert (message.type, made.output_text) == ("message", "A red circle.")
    assert client.responses.retrieve(made.id).model_dump() == made.model_dump()
    more = {"role": "user", "content": "And its size?"}
    client.responses.create(model="nano", input=[*about_it(), *made.output, more])
    assert [turn.role for turn in jobs[1].options.chat] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert "It is red." not in str(jobs[1].options.chat)
    bad = {"role": "user", "content": [{**IMAGE, "image_url": "data:image/png;base64,?"}]}
    assert refused(client, input=[*about_it(), *made.output, bad]).param == "input[3].content[0].image_url"


@pytest.mark.parametrize(
    "said",
    [
        [(0, "It is", True), (5, " red.", True), (10, "A red"), THOUGHT],
        [(0, "It is", True), (10, "A red"), THOUGHT],
        [THOUGHT],
    ],
    ids=["all of it", "but for a message that was lost", "at the end"],
)
def test_a_stream_says_what_is_thought_as_an_item_of_its_own(client, speaker, said):
    speaker(*said)
    events = [*client.responses.create(model="nano", input=about_it(), stream=True)]
    kinds = [*dict.fromkeys(event.type for event in events)]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.completed",
    ]
    told = {
        kind: "".join(event.delta for event in events if event.type == f"response.{kind}.delta")
        for kind in ("reasoning_text", "output_text")
    }
    assert told == {"reasoning_text": "It is red.", "output_text": "A red circle."}
    items = [event.item for event in events if event.type == "response.output_item.done"]
    places = [event.output_index for event in events if hasattr(event, "output_index")]
    assert events[-1].response.output == items
    assert places == sorted(places)
    assert {*places} == {0, 1}


def test_what_was_thought_stays_where_there_was_no_answer(client, worker):
    cut = JobError(code=Code.INCOMPLETE_ANSWER, message="It was still thinking.")
    jobs = worker(THOUGHT.model_copy(update=CUT | {"answer": None, "error": cut}))
    assert refused(client).code == "incomplete_answer"
    (thought,) = client.responses.retrieve(f"resp_{jobs[0].id}").output
    assert (thought.status, thought.content[0].text) == ("incomplete", "It is red.")


def test_a_stream_that_breaks_off_raises(client, speaker):
    speaker((0, "A red"), Result(error=JobError(code=Code.INCOMPLETE_ANSWER, message="It was cut.")))
    with pytest.raises(openai.APIError, match="It was cut") as error:
        [*client.responses.create(model="nano", input=about_it(), stream=True)]
    assert error.value.code == "incomplete_answer"


def test_what_is_not_there_is_not_found(client):
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_" + "0" * 32)
