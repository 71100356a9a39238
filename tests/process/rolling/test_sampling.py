"""Drawn answers: the same by seed whatever else is in flight, and drawn as likely as the model says."""

import random
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import DRAWN, LONGEST, QUESTIONS, SEVERAL, fail, run, submit
from tests.process.rolling.test_formats import FIELDS, rolled
from worker.engines import sampling as sampling_module
from worker.engines.base import Answer
from worker.engines.constraint.generating import Held
from worker.engines.constraint.masks import Masks
from worker.engines.sampling import Draw, Sampling, chosen

#: `nano` is sure of what it says: only far above what a job may ask for do its answers differ.
HOT = st.builds(Sampling, st.sampled_from([0.7, 3.0, 8.0]), st.sampled_from([1.0, 0.9]), st.integers(0, 3))
ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, SEVERAL),
        st.integers(1, LONGEST),
        st.integers(0, 8),
        st.none() | HOT,
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def alone(reference):
    """What `generate` says to a sample input alone, drawn so."""
    width = reference.model.config.get_text_config().vocab_size

    @cache
    def said(number: int, how: Sampling | None) -> tuple[int, ...]:
        held = Held(Masks(width, torch.device("cpu"), 1), [None], reference.ends, [None], [how])
        tensors = reference.tensors[number]
        out = reference.model.generate(**tensors, max_new_tokens=LONGEST, logits_processor=[held])
        return tuple(out[0, tensors["input_ids"].shape[1] :].tolist())

    return said


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(DRAWN, max_examples=12)
@given(ARRIVALS, st.integers(1, 5), st.sampled_from([150, 400, 10_000]))
def test_whatever_else_is_in_flight_a_seed_draws_what_it_draws_alone(
    reference, alone, arrivals, slots, budget
):
    loop = reference.loop(slots=slots, budget_tokens=budget)
    asked = [(reference.request(n, most, sampling=how), at, off) for n, most, at, how, off in arrivals]
    outcomes: dict[Any, Any] = {}
    for turn in range(400):
        for request, at, off in asked:
            if turn == at:
                loop.submit(request)
            if turn == max(at, off) and off < 20:
                loop.cancel(request)
        outcomes |= {outcome.request: outcome for outcome in loop.turn()}
    assert loop.is_idle
    for (request, _, off), (number, most, _, how, _) in zip(asked, arrivals, strict=True):
        if outcomes[request].is_cancelled:
            assert off < 20
        else:
            assert outcomes[request].tokens == alone(number, how)[:most]


@pytest.mark.parametrize("where", ["prefill", "step"])
def test_rows_that_begin_anew_after_an_error_draw_the_same_again(reference, alone, monkeypatch, where):
    loop = reference.loop(slots=4)
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    fail(monkeypatch, where, full, lambda *_: len(loop.on_device()) > 2)
    how = [Sampling(8.0, 1.0, seed) for seed in range(5)]
    requests = [reference.request(number, sampling=how[number]) for number in range(5)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[one].tokens for one in requests] == [alone(number, how[number]) for number in range(5)]
    assert len({alone(0, one) for one in how}) > 2


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
def test_a_static_batch_draws_and_stops_as_the_rolling_one(engine):
    rng = random.Random(3)
    seen = [engine.see(random_scene(rng, shapes=1 + n % 3).draw(200 + 60 * n, 300)) for n in range(3)]
    held = ResponseFormat.of_schema(FIELDS)
    wanted = [
        Options(max_new_tokens=24),
        Options(max_new_tokens=24, temperature=2.0, seed=1, top_logprobs=2),
        Options(max_new_tokens=60, temperature=1.0, seed=5, response_format=held),
        Options(max_new_tokens=24, stop=("no such text", "angle on")),
        Options(max_new_tokens=24, temperature=1.5, top_p=0.5, seed=-(2**63), stop=("正方",)),
        Options(max_new_tokens=3, stop=("shapes",)),
    ]
    jobs = [engine.prepare(seen[: 1 + n % 3], QUESTIONS[n % 3], options) for n, options in enumerate(wanted)]
    static, rolling = engine.generate(jobs), rolled(engine, jobs)
    for one, other in zip(static, rolling, strict=True):
        assert isinstance(one, Answer)
        assert isinstance(other, Answer)
        assert (one.text, one.finish_reason, one.confidence) == (
            other.text,
            other.finish_reason,
            other.confidence,
        )
        assert one.usage.output_tokens == other.usage.output_tokens
    assert static[3].text == "A green tri"
    assert static[4].text == "白色背景上有一个紫色"


def test_without_a_seed_each_job_has_one_of_its_own(engine):
    seen = [engine.see(random_scene(random.Random(3), shapes=1).draw(200, 300))]
    how = [engine.prepare(seen, QUESTIONS[0], Options(temperature=1.0)).sampling for _ in range(2)]
    assert how[0].seed != how[1].seed
    for greedy in (Options(), Options(temperature=0, top_p=0.5, seed=3)):
        assert engine.prepare(seen, QUESTIONS[0], greedy).sampling is None


# As likely as the model says

LOGITS = torch.tensor([2.0, 1.5, 1.0, 0.0, -1.0, -torch.inf, 0.5, -2.0])
#: Beyond this the chance of a right draw is 1 in 1,000 (7 degrees of freedom, and fewer).
_CHI_SQUARE = 24.3


def counted(sampling: tuple[float, float]) -> torch.Tensor:
    """How often each token is drawn, by 100 seeds in 200 places."""
    draws = [Draw(Sampling(*sampling, seed), place) for seed in range(100) for place in range(200)]
    return chosen(LOGITS.expand(len(draws), -1), draws).bincount(minlength=8)


def chi_square(found: torch.Tensor, likely: torch.Tensor) -> float:
    expected = likely * found.sum()
    assert not found[likely == 0].any()
    return float(((found - expected) ** 2 / expected)[likely > 0].sum())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_from_the_softmax_of_the_logits_over_the_temperature(temperature):
    assert chi_square(counted((temperature, 1.0)), (LOGITS / temperature).softmax(-1)) < _CHI_SQUARE


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, 1), (0.5, 2), (0.9, 4), (1e-9, 1), (5e-324, 1)])
def test_top_p_leaves_the_likeliest_that_together_reach_it(top_p, kept):
    likely = LOGITS.softmax(-1)
    least = likely.sort(descending=True).values[kept - 1]
    left = likely.masked_fill(likely < least, 0)
    assert chi_square(counted((1.0, top_p)), left / left.sum()) < _CHI_SQUARE


def test_top_p_of_a_flat_distribution_reaches_beyond_the_few_that_are_looked_at_first(monkeypatch):
    logits = torch.linspace(0, 0.1, 3000)[None]
    likely = logits.softmax(-1)[0].flip(0)
    kept = int((likely.cumsum(-1) - likely < 0.9).sum())
    drawn = {int(chosen(logits, [Draw(Sampling(1.0, 0.9, seed), 0)])) for seed in range(400)}
    assert 1024 < kept < 3000
    assert 3000 - kept <= min(drawn) < 3000 - 1024


@pytest.mark.parametrize("temperature", [5e-324, 1e-40, 1.0, 2.0])
@pytest.mark.parametrize("top_p", [1e-6, 0.5, 1.0])
def test_where_one_token_alone_may_come_it_is_drawn(temperature, top_p):
    forced = torch.full((1, 8), -torch.inf)
    forced[0, 5] = torch.inf
    assert chosen(forced, [Draw(Sampling(temperature, top_p, 1), 0)]).tolist() == [5]
    assert chosen(LOGITS[None], [Draw(Sampling(min(temperature, 1e-40), top_p, 1), 0)]).tolist() == [0]


def test_rows_without_temperature_make_no_noise_and_are_not_changed(reference, monkeypatch):
    made: list[Any] = []
    monkeypatch.setattr(sampling_module, "_noise", lambda *how: made.append(how))
    request = reference.request(0)
    loop = reference.loop()
    loop.submit(request)
    assert run(loop)[request].tokens == reference.answer(0)
    assert made == []
