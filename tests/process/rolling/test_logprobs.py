"""How likely each token was: as stock `generate` has it, whatever else is in flight."""

import random
from dataclasses import replace
from math import exp, fsum
from typing import Any

import pytest
import torch

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import QUESTIONS, Reference, submit, turns
from tests.process.rolling.test_formats import FIELDS, rolled
from worker.engines.base import Answer
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Outcome, Request
from worker.engines.saying.logprobs import NEVER, Choices, Told
from worker.engines.saying.vocabulary import Vocabulary
from worker.engines.seeing.processors import JobInput
from worker.engines.transformers_engine import TransformersEngine

#: What each job asks for; None for nothing.
TOPS = (0, None, 5, 20, None, 3)
#: Differences that come of rounding alone: rows of a batch are not summed up in the order of a row alone.
ROUNDING = 2e-4


@pytest.fixture(scope="module")
def seen(engine):
    rng = random.Random(5)
    return [engine.see(random_scene(rng, shapes=1 + n % 3).draw(200 + 90 * n, 250)) for n in range(3)]


def asked(engine, seen, number: int, top: int | None) -> JobInput:
    """A job about one image, two or three; every third is held to a schema."""
    held = ResponseFormat.of_schema(FIELDS) if number % 3 == 2 else None
    options = Options(max_new_tokens=(12, 6, 16)[number % 3], response_format=held, top_logprobs=top)
    prepared = engine.prepare(seen[: 1 + number % 3], QUESTIONS[number % 3], options)
    assert isinstance(prepared, JobInput)
    return prepared


def alone(engine: TransformersEngine, job: JobInput, **how: Any) -> tuple[list[int], torch.Tensor]:
    """The tokens of stock `generate`, and the logarithms of all probabilities (tokens × vocabulary)."""
    prompt = job.tensors["input_ids"].shape[1]
    matcher = job.grammar.begin() if job.grammar else None

    def may_come(_: int, ids: Any) -> list[int]:
        assert matcher is not None
        if len(ids) > prompt:
            matcher.consume_token(int(ids[-1]))
        bits = matcher.compute_bitmask()
        return [token for token in range(8 * len(bits)) if bits[token // 8] >> token % 8 & 1]

    how = how or {"output_logits": True}
    if matcher is not None:
        how["prefix_allowed_tokens_fn"] = may_come
    out = engine._model.generate(
        **job.tensors, max_new_tokens=job.max_new_tokens, return_dict_in_generate=True, **how
    )
    logits = torch.cat([*(out.logits or out.scores)]).float()
    return out.sequences[0, prompt:].tolist(), logits.log_softmax(-1)


def assert_as_alone(choices: Choices | None, top: int | None, tokens: list[int], expected: torch.Tensor):
    """The same tokens with the same probabilities, and in each place the likeliest of all."""
    if top is None:
        assert choices is None
        return
    assert choices is not None
    noted = [*choices]
    assert len(noted) == len(tokens)
    for (ids, logprobs), token, row in zip(noted, tokens, expected, strict=True):
        assert ids[0] == token
        assert len(ids) == len(logprobs) == 1 + top
        assert len(set(ids[1:])) == top
        assert [*logprobs] == pytest.approx(row[[*ids]].tolist(), abs=ROUNDING)
        assert [*logprobs[1:]] == pytest.approx(row.topk(top).values.tolist(), abs=ROUNDING)
        assert [*logprobs[1:]] == sorted(logprobs[1:], reverse=True)


def run_mixed(reference: Reference, jobs: list[JobInput], loop: RollingLoop) -> list[Outcome]:
    """What became of jobs beside others that are plain, and one that is cancelled on its way."""

    def request(job: JobInput) -> Request:
        how: dict[str, Any] = {"grammar": job.grammar, "top_logprobs": job.top_logprobs}
        return loop.request(job.tensors, job.max_new_tokens, **how)

    requests, gone = [*map(request, jobs)], request(jobs[3])
    plain = [reference.request(n) for n in range(3)]
    submit(loop, gone, *requests[:4], *plain, *requests[4:])
    outcomes: dict[Any, Outcome] = {}
    for turn, ended in enumerate(turns(loop)):
        outcomes |= {outcome.request: outcome for outcome in ended}
        if turn == 3:
            loop.cancel(gone)
    assert outcomes[gone].is_cancelled
    assert outcomes[gone].choices is None
    assert all(outcomes[one].choices is None for one in plain)
    assert [outcomes[one].tokens for one in plain] == [reference.answer(n) for n in range(3)]
    return [outcomes[one] for one in requests]


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_token_by_token_they_are_those_of_generate_alone(reference, engine, seen):
    """Rows that ask and rows that do not, with schemas and without, some put back for lack of memory."""
    jobs = [asked(engine, seen, number, top) for number, top in enumerate(TOPS)]
    outcomes = run_mixed(reference, jobs, reference.loop(slots=4, budget_tokens=400))
    for job, outcome in zip(jobs, outcomes, strict=True):
        tokens, expected = alone(engine, job)
        assert [*outcome.tokens] == tokens
        assert_as_alone(outcome.choices, job.top_logprobs, tokens, expected)


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_a_static_batch_has_the_same(engine, seen):
    jobs = [asked(engine, seen, number, top) for number, top in enumerate(TOPS)]
    for static, rolling, top in zip(engine.generate(jobs), rolled(engine, jobs), TOPS, strict=False):
        assert (static.failure() is None) == (rolling.failure() is None)
        if top is None:
            assert (static.logprobs, rolling.logprobs) == (None, None)
            continue
        assert static.logprobs
        assert rolling.logprobs
        for one, other in zip(static.logprobs(), rolling.logprobs(), strict=True):
            assert (one["token"], one["bytes"]) == (other["token"], other["bytes"])
            assert one["logprob"] == pytest.approx(other["logprob"], abs=ROUNDING)
            assert [top["logprob"] for top in one["top_logprobs"]] == pytest.approx(
                [top["logprob"] for top in other["top_logprobs"]], abs=ROUNDING
            )


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_what_a_model_itself_says_less_often_is_less_likely(engine, seen, monkeypatch):
    """A model that asks for a repetition penalty chooses by it; so do its probabilities say."""
    monkeypatch.setattr(engine._model.generation_config, "repetition_penalty", 1.4)
    job = asked(engine, seen, 0, 4)
    reference = Reference(engine._model, engine._conversation.ends, [], [])
    loop = reference.loop()
    loop.submit(loop.request(job.tensors, job.max_new_tokens, top_logprobs=4))
    (outcome,) = (outcome for ended in turns(loop) for outcome in ended)
    tokens, expected = alone(engine, job, output_scores=True)
    assert [*outcome.tokens] == tokens
    assert_as_alone(outcome.choices, 4, tokens, expected)
    assert all(ids[0] == ids[1] for ids, _ in outcome.choices or ())


def test_of_plain_text_they_are_what_its_confidence_is_made_of(engine, seen):
    jobs = [replace(asked(engine, seen, 1, 1), max_new_tokens=most) for most in (3, 6)]
    for outcome in rolled(engine, jobs):
        assert isinstance(outcome, Answer)
        assert outcome.logprobs
        assert outcome.finish_reason is FinishReason.LENGTH, "else the end counts as well, which is no token"
        content = outcome.logprobs()
        likely = exp(fsum(token["logprob"] for token in content) / len(content))
        assert outcome.confidence == pytest.approx(likely, abs=1e-4)
        assert b"".join(bytes(token["bytes"] or ()) for token in content).decode() == outcome.text
        assert [token["top_logprobs"][0]["token"] for token in content] == [
            token["token"] for token in content
        ]


def test_a_part_of_a_character_has_its_bytes_and_a_token_that_is_no_text_has_none(engine):
    tokens = [*engine._processor.tokenizer("圆😀")["input_ids"], *engine._conversation.ends]
    beyond = engine._model.config.get_text_config().vocab_size - 1
    choices = Choices(top=2)
    for token in tokens:
        choices.add(([token, token, beyond], [-0.123456789, 0.0, float("-inf")]))
    told = Told(choices, len(tokens), engine._conversation.vocabulary)()
    assert b"".join(bytes(token["bytes"] or ()) for token in told).decode() == "圆😀"
    assert sum("\N{REPLACEMENT CHARACTER}" in token["token"] for token in told) > 2
    assert [token["bytes"] for token in told[-len(engine._conversation.ends) :]] == [None] * len(
        engine._conversation.ends
    )
    assert {token["token"] for token in told[-len(engine._conversation.ends) :]} >= {"<|im_end|>"}
    assert {token["logprob"] for token in told} == {-0.1234568}
    # What could not come at all is not named; no number is below 0 and yet nothing.
    assert [[(one["token"], str(one["logprob"])) for one in token["top_logprobs"]] for token in told] == [
        [(token["token"], "0.0")] for token in told
    ]
    choices.add(([tokens[0], tokens[0], tokens[0]], [float("-inf"), float("nan"), 0.0]))
    assert Told(choices, len(tokens) + 1, engine._conversation.vocabulary)()[-1]["logprob"] == NEVER
    assert Told(choices, 1, engine._conversation.vocabulary)() == told[:1]


def test_a_tokenizer_that_says_too_little_is_refused_before_the_device(engine, seen, monkeypatch):
    monkeypatch.setattr(
        engine._conversation, "vocabulary", Vocabulary(object(), engine._conversation.ends, 10)
    )
    with pytest.raises(EngineFailure) as caught:
        asked(engine, seen, 0, 1)
    assert caught.value.code is Code.NO_LOGPROBS
    assert asked(engine, seen, 0, None).top_logprobs is None
