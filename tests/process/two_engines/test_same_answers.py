"""Both engines say the same, token for token, with all that a job may ask for."""

import base64
from typing import Any

import pytest
from openai import OpenAI

from tests.files.drawing import RGB, SHAPES
from tests.process.others.scenes import QUESTION, answers
from tests.process.two_engines.served import OURS, SCENES, VLLM

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

FIELDS = (f"background:{'|'.join(RGB)}", "count:integer", f"shapes:{'|'.join(SHAPES)}[]", "solid:boolean")
#: Sums that are rounded in another order.
SAME = pytest.approx


@pytest.fixture
def ask(both, client, folder):
    """What both say of all scenes."""

    def asked(question: str = QUESTION, **how: Any) -> list[Any]:
        return [answers(client, folder, engine, question, **how) for engine in (OURS, VLLM)]

    return asked


def test_both_say_the_same_of_sixty_scenes_and_use_the_same_tokens(ask):
    ours, theirs = ask()
    assert len(ours) == len(SCENES) == 60
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert sum(job.answer == scene.description for job, scene in zip(theirs, SCENES, strict=True)) > 55
    assert {job.finish_reason for job in theirs} == {"stop"}
    for own, other in zip(ours, theirs, strict=True):
        for name in ("prompt_tokens", "visual_tokens", "output_tokens", "read_pixels"):
            assert other.usage[name] == own.usage[name]
        assert other.usage["device_s"] > 0


def test_fields_are_filled_with_the_same_and_both_are_as_sure(ask):
    ours, theirs = ask("Fill in the fields.", fields=FIELDS)
    assert [job.data for job in theirs] == [job.data for job in ours]
    for own, other in zip(ours, theirs, strict=True):
        assert other.confidence == SAME(own.confidence, abs=1e-3)
        assert other.field_confidence == SAME(own.field_confidence, abs=1e-3)


def test_both_are_as_sure_and_name_the_same_tokens(ask, client):
    ours, theirs = ask(logprobs=True, top_logprobs=2)
    for own, other in zip(ours, theirs, strict=True):
        assert other.confidence == SAME(own.confidence, abs=1e-3)
        tokens, others = (client.job(job.id).logprobs.content for job in (own, other))
        assert [token.token for token in others] == [token.token for token in tokens]
        for token, one in zip(tokens, others, strict=True):
            assert one.logprob == SAME(token.logprob, abs=1e-3)
            assert one.top_logprobs[0].token == token.top_logprobs[0].token


def test_what_is_cut_is_said_to_be(ask):
    ours, theirs = ask(max_new_tokens=4)
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert {job.finish_reason for job in theirs} == {"length"}


def test_both_stop_before_a_text_across_tokens(ask):
    ours, theirs = ask(stop=[" on a"])
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert [job.usage["output_tokens"] for job in theirs] == [job.usage["output_tokens"] for job in ours]
    assert not any(" on a" in job.answer for job in theirs if job.answer)


def test_a_seed_gives_the_same_again(ask):
    drawn = {"temperature": 1.5, "seed": 7}
    (_, once), (_, again) = ask(**drawn), ask(**drawn)
    assert [job.answer for job in once] == [job.answer for job in again]


def test_fewer_pixels_are_fewer_for_both(ask):
    ours, theirs = ask(max_pixels=6272)
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert [job.usage["visual_tokens"] for job in theirs] == [job.usage["visual_tokens"] for job in ours]
    assert max(job.usage["visual_tokens"] for job in theirs) <= 8


def test_several_images_are_seen_together_by_both(both, client, folder):
    images = [(folder / f"{number:02}.png") for number in range(3)]
    ours, theirs = (client.analyze(images, QUESTION, model=engine) for engine in (OURS, VLLM))
    assert (theirs.answer, theirs.usage["prompt_tokens"]) == (ours.answer, ours.usage["prompt_tokens"])
    assert theirs.state == "succeeded"


@pytest.mark.parametrize("engine", [OURS, VLLM])
def test_a_stream_says_the_same(both, stack, folder, engine):
    data = base64.b64encode((folder / "00.png").read_bytes()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    messages: Any = [{"role": "user", "content": [image, {"type": "text", "text": QUESTION}]}]
    with OpenAI(base_url=f"{stack.url}/v1", api_key="any", max_retries=0) as asking:
        chunks = [*asking.chat.completions.create(model=engine, messages=messages, stream=True)]
    pieces = [piece for chunk in chunks for choice in chunk.choices if (piece := choice.delta.content)]
    assert "".join(pieces) == SCENES[0].description


def test_what_vllm_would_answer_otherwise_it_refuses(both, client, folder):
    refused = client.analyze(folder / "00.png", QUESTION, model=VLLM, fields=FIELDS, logprobs=True)
    assert (refused.state, refused.error.code) == ("failed", "no_logprobs")
    cold = client.analyze(folder / "00.png", QUESTION, model=VLLM, temperature=0.001)
    assert (cold.state, cold.error.code) == ("failed", "no_sampling")
