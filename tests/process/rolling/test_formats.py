"""Answers that are held to a format: the same beside others as alone, whole or a failure, never broken."""

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import DRAWN, QUESTIONS, submit, turns
from worker.engines.base import Answer
from worker.engines.company import Company
from worker.engines.seeing.processors import JobInput
from worker.engines.transformers_engine import TransformersEngine

#: Schemas of all kinds; names and values in English and Chinese.
_SCALARS = st.sampled_from(
    [
        {"type": "string", "maxLength": 12},
        {"type": "integer", "minimum": -5, "maximum": 120},
        {"type": "number", "minimum": 0, "maximum": 10},
        {"type": "boolean"},
        {"type": ["string", "null"], "format": "date"},
        {"type": ["boolean", "null"]},
        {"enum": ["红色", "蓝色", "其他"]},
        {"enum": ["a", 1, None, True]},
        {"const": 'a "quoted" word'},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "null"}]},
    ]
)
_NAMES = st.sampled_from(["total", "kind", "数量", "a b", "x.y", "ünï", "_"])


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_SCHEMAS = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=3).map(_object),
        inner.map(lambda one: {"type": "array", "items": one, "minItems": 1, "maxItems": 2}),
    ),
    max_leaves=5,
)


def held_to(schema: dict[str, Any], most: int) -> Options:
    return Options(max_new_tokens=most, response_format=ResponseFormat.of_schema(schema))


@pytest.fixture(scope="module")
def seen(engine):
    rng = random.Random(3)
    return [engine.see(random_scene(rng, shapes=1 + n % 3).draw(200 + 60 * n, 300)) for n in range(3)]


def asked(engine, seen, number: int, options: Options) -> JobInput:
    """A job about one image, two or three."""
    prepared = engine.prepare(seen[: 1 + number % 3], QUESTIONS[number % 3], options)
    assert isinstance(prepared, JobInput)
    return prepared


def rolled(engine: TransformersEngine, jobs: list[JobInput]) -> list[Answer]:
    """What each is answered in a rolling batch of its own engine."""
    rolling = engine.rolling
    assert rolling is not None
    requests = [rolling.request(job, company=Company.INNOCENTS, is_interactive=False) for job in jobs]
    for request in requests:
        rolling.submit(request)
    outcomes: dict[Any, Any] = {}
    while not rolling.is_idle:
        outcomes |= {ended.request: ended.outcome for ended in rolling.turn()}
    return [outcomes[request] for request in requests]


def said(outcome) -> Any:
    return outcome.text, outcome.confidence, outcome.field_confidence, outcome.failure() is None


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(DRAWN, max_examples=12)
@given(st.lists(st.tuples(_SCHEMAS, st.sampled_from([4, 16, 64])), min_size=2, max_size=4))
def test_whatever_the_schema_an_answer_satisfies_it_or_is_a_failure(engine, seen, drawn):
    jobs = [asked(engine, seen, n, held_to(schema, most)) for n, (schema, most) in enumerate(drawn)]
    for outcome, (schema, most) in zip(rolled(engine, jobs), drawn, strict=True):
        if failure := outcome.failure():
            assert failure.code is Code.INCOMPLETE_ANSWER
            assert f"its {most} tokens were used up" in failure.message
        else:
            data = json.loads(outcome.text)
            jsonschema.validate(data, schema, format_checker=jsonschema.FormatChecker())
            assert "\\u" not in outcome.text, "Chinese is written as it is"


FIELDS = _object(
    {
        "background": {"enum": ["red", "green", "blue", "white", "black", "other"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
        "说明": {"type": "string", "maxLength": 20},
    }
)


def allowed_alone(engine: TransformersEngine, job: JobInput) -> tuple[int, ...]:
    """The tokens of `generate` alone, which asks for each token by itself what may come."""
    assert job.grammar is not None
    matcher = job.grammar.begin()
    prompt = job.tensors["input_ids"].shape[1]

    def may_come(_: int, ids: Any) -> list[int]:
        if len(ids) > prompt:
            matcher.consume_token(int(ids[-1]))
        bits = matcher.compute_bitmask()
        return [token for token in range(8 * len(bits)) if bits[token // 8] >> token % 8 & 1]

    out = engine._model.generate(
        **job.tensors, prefix_allowed_tokens_fn=may_come, max_new_tokens=job.max_new_tokens
    )
    return tuple(out[0, prompt:].tolist())


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_rows_with_a_schema_are_token_for_token_those_of_generate_alone(reference, engine, seen):
    """Rows with and without a schema, some cancelled, some put back for lack of memory."""
    jobs = [asked(engine, seen, n, held_to(FIELDS, 60 if n % 3 else 9)) for n in range(8)]
    expected = [allowed_alone(engine, job) for job in jobs]
    loop = reference.loop(slots=4, budget_tokens=400)
    held = [loop.request(job.tensors, job.max_new_tokens, grammar=job.grammar) for job in jobs]
    plain = [reference.request(n) for n in range(4)]
    gone = loop.request(jobs[0].tensors, 60, grammar=jobs[0].grammar)
    submit(loop, gone, *held[:4], *plain, *held[4:])
    outcomes: dict[Any, Any] = {}
    for turn, ended in enumerate(turns(loop)):
        outcomes |= {outcome.request: outcome for outcome in ended}
        if turn == 3:
            loop.cancel(gone)
    assert outcomes[gone].is_cancelled
    assert [outcomes[request].tokens for request in held] == expected
    assert [outcomes[request].tokens for request in plain] == [reference.answer(n) for n in range(4)]
    assert all(len(one.tokens) == len(one.logprobs) for one in outcomes.values())


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_a_static_batch_answers_as_the_rolling_one(engine, seen):
    plain = Options(max_new_tokens=24)
    jobs = [asked(engine, seen, n, held_to(FIELDS, 60) if n % 2 else plain) for n in range(6)]
    assert [*map(said, engine.generate(jobs))] == [*map(said, rolled(engine, jobs))]


@pytest.mark.parametrize(
    ("schema", "most", "is_whole"),
    [
        (_object({"a": {"const": 1}}), 200, True),
        ({"type": "string"}, 3, False),
        ({"type": "integer", "minimum": 10_000_000, "maximum": 99_999_999}, 4, False),
    ],
)
def test_what_is_cut_is_a_failure_that_says_what_was_said(engine, seen, schema, most, is_whole):
    (outcome,) = rolled(engine, [asked(engine, seen, 0, held_to(schema, most))])
    failure = outcome.failure()
    if is_whole:
        assert failure is None
        assert json.loads(outcome.text) == {"a": 1}
    else:
        assert failure is not None
        assert failure.code is Code.INCOMPLETE_ANSWER
        assert f"its {most} tokens were used up" in failure.message
        assert "It said: " in failure.message
        assert (outcome.finish_reason, outcome.usage.output_tokens) == (FinishReason.LENGTH, most)


def test_what_takes_a_while_to_compare_with_an_answer_is_left_to_the_jobs_own_thread(engine, seen):
    """A schema that refers to itself asks for a process; all others are compared at once."""
    leaf = _object({"in": {"const": 1}})
    tree = {"$ref": "#/$defs/t", "$defs": {"t": {"anyOf": [leaf, {"$ref": "#/$defs/t"}]}}}
    jobs = [asked(engine, seen, 0, held_to(schema, 60)) for schema in (leaf, tree)]
    soon, later = rolled(engine, jobs)
    assert soon.check is None
    assert later.check is not None
    assert later.failure() is None


def test_any_object_is_an_object(engine, seen):
    options = Options(max_new_tokens=40, response_format=ResponseFormat(type=FormatType.JSON_OBJECT))
    (outcome,) = rolled(engine, [asked(engine, seen, 0, options)])
    if failure := outcome.failure():
        assert failure.code is Code.INCOMPLETE_ANSWER
        assert "It said: {" in failure.message
    else:
        assert isinstance(json.loads(outcome.text), dict)


def test_a_grammar_is_compiled_once_for_all_jobs_of_a_schema(engine, seen):
    options = held_to(FIELDS, 10)
    same = Options.model_validate_json(options.model_dump_json())
    assert asked(engine, seen, 0, options).grammar is asked(engine, seen, 1, same).grammar


def test_what_its_tokens_cannot_be_held_to_fails_with_its_name(engine, seen):
    with pytest.raises(EngineFailure) as caught:
        asked(engine, seen, 0, held_to({"not": {}}, 10))
    assert caught.value.code is Code.UNSUPPORTED_SCHEMA
    assert "not" in caught.value.message


def test_without_a_format_no_mask_is_made(engine, seen, monkeypatch):
    made: list[Any] = []
    monkeypatch.setattr(engine._rolling._loop._masks, "_allowed", made.append)
    (outcome,) = rolled(engine, [asked(engine, seen, 0, Options(max_new_tokens=10))])
    assert isinstance(outcome, Answer)
    assert made == []


def test_how_sure_an_answer_is_follows_from_its_tokens(engine, seen):
    """A forced choice says nothing; what was chosen counts, field by field."""
    schema = _object({"a": {"const": -1}, "b": {"type": "integer", "minimum": 0, "maximum": 9}})
    (outcome,) = rolled(engine, [asked(engine, seen, 0, held_to(schema, 40))])
    assert isinstance(outcome, Answer)
    assert outcome.field_confidence is not None
    assert set(outcome.field_confidence) == {"b"}
    assert outcome.field_confidence["b"] < 1
    assert outcome.confidence == pytest.approx(outcome.field_confidence["b"], abs=0.0001)
