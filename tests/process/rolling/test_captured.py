"""Steps that are recorded say what plain ones say, and are not trusted before they did."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from jobs.contract.catalog import NANO
from jobs.contract.settings import WorkerSettings
from tests.process.rolling.reference import DRAWN, LONGEST, MIXED, SETTINGS, Reference, fail, run, submit
from tests.process.rolling.reference import assert_each_answer_is_the_one_given_alone as assert_right
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded
from worker.engines.company import Company
from worker.engines.rolling.captured import steps
from worker.engines.rolling.captured.agreement import agree
from worker.engines.rolling.captured.recording import NotRecorded, Plain, Run, recorder_for
from worker.engines.rolling.pool import Pool

_LONG = 24


class Noted(Plain):
    """Counts what is recorded."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, run: Run) -> Run:
        self.count += 1
        return super().record(run)


class Wrong(Plain):
    """Gives what was said when it was recorded, as a step does that has taken a number for a constant."""

    def record(self, run: Run) -> Run:
        said = run().clone()
        return lambda: said


class Failing(Noted):
    """A device that records nothing."""

    def record(self, run: Run) -> Run:
        self.count += 1
        raise NotRecorded("out of memory")


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("eva01_steps_total", {"kind": kind}) or 0.0


@pytest.fixture
def since() -> Any:
    before = {kind: counted(kind) for kind in ("recorded", "plain", "tried", "differed", "failed")}
    return lambda kind: counted(kind) - before[kind]


@pytest.fixture(scope="module")
def endless(reference) -> Reference:
    """A model whose answers end at their limits alone."""
    return Reference(reference.model, frozenset(), reference.tensors, [])


def said_by(endless: Reference, count: int, longest: int = _LONG, **how: Any) -> list[tuple[int, ...]]:
    loop = endless.loop(slots=count, **how)
    requests = [endless.request(n, longest) for n in range(count)]
    submit(loop, *requests)
    said = run(loop)
    return [said[one].tokens for one in requests]


def test_every_answer_is_the_one_given_alone(reference, monkeypatch, since):
    monkeypatch.setattr(steps, "_OFTEN", 0)
    assert_right(reference, MIXED, slots=5, recorder=Plain())
    assert since("tried")
    assert not since("differed")


_REQUEST = st.tuples(
    st.integers(0, 9),
    st.integers(1, LONGEST),
    st.integers(0, 10),
    st.booleans(),
    st.sampled_from(Company),
    st.integers(1, 25),
)


@settings(DRAWN, max_examples=3)
@given(st.lists(_REQUEST, min_size=3, max_size=8), st.integers(1, 5), st.sampled_from([160, 400, 10_000]))
def test_whatever_comes_and_goes_recorded_steps_say_the_same(reference, arrivals, slots, budget):
    with pytest.MonkeyPatch.context() as patch:
        # Each is recorded the first time that it is wanted, and trusted after one trial.
        patch.setattr(steps, "_OFTEN", 0)
        patch.setattr(steps, "_TRIALS", 1)
        assert_right(reference, arrivals, slots=slots, budget_tokens=budget, recorder=Plain())


@pytest.mark.parametrize("count", [3, 4])
def test_rows_are_filled_up_to_the_next_size_and_nobody_beside_them_notices(endless, since, count):
    plain = said_by(endless, count)
    assert said_by(endless, count, recorder=Plain()) == plain
    assert since("recorded") > _LONG / 2
    assert not since("differed")


def test_a_step_is_recorded_once_a_size_and_trusted_after_it_was_right_of_other_tokens(endless, since):
    noted = Noted()
    said_by(endless, 1, recorder=noted)
    assert noted.count == 1
    assert since("plain") == steps._OFTEN
    assert since("tried") == steps._TRIALS
    assert since("recorded") == _LONG - 1 - steps._OFTEN - steps._TRIALS


def test_a_recorded_step_that_is_wrong_is_found_out_and_changes_no_answer(endless, since, caplog):
    plain = said_by(endless, 3)
    assert said_by(endless, 3, recorder=Wrong()) == plain
    assert not since("recorded")
    assert since("differed")
    assert "was not as a plain one" in caplog.text


def test_what_cannot_be_recorded_is_not_tried_twice_and_changes_no_answer(endless, since, caplog):
    failing = Failing()
    assert said_by(endless, 3, recorder=failing) == said_by(endless, 3)
    assert failing.count == since("failed") == 1
    assert "out of memory" in caplog.text


def test_where_the_cache_is_put_elsewhere_all_is_recorded_anew(endless):
    noted = Noted()
    loop = endless.loop(slots=2, recorder=noted)
    first = endless.request(0, _LONG)
    loop.submit(first)
    while not noted.count:
        loop.turn()
    before = loop._flight.pool.keys[0].data_ptr()
    taken = loop._flight.pool.take(200)
    for _ in range(steps._OFTEN):
        loop.turn()
    assert loop._flight.pool.keys[0].data_ptr() != before
    assert noted.count == 1
    loop.turn()
    assert noted.count == 2
    loop._flight.pool.give_back(taken)
    assert run(loop)[first].tokens == said_by(endless, 1)[0]


def test_when_memory_is_out_what_was_recorded_is_freed_first(endless, monkeypatch):
    loop = endless.loop(slots=2, recorder=Plain())
    one, other = (endless.request(n, _LONG) for n in range(2))
    loop.submit(one)
    for _ in range(steps._OFTEN + 2):
        loop.turn()
    assert loop._recorded
    assert loop._recorded._recorded
    with monkeypatch.context() as patch:
        fail(patch, "step", torch.OutOfMemoryError("CUDA out of memory"), lambda *_: True)
        loop.submit(other)
        loop.turn()
    assert not loop._recorded._recorded
    said = run(loop)
    assert [said[one].tokens, said[other].tokens] == said_by(endless, 2)


def test_steps_that_would_gather_too_much_at_once_are_plain(endless, monkeypatch):
    monkeypatch.setattr(steps, "most_blocks", lambda _: 8)
    noted = Noted()
    said_by(endless, 1, recorder=noted)
    assert noted.count == 1
    said_by(endless, 2, recorder=noted)
    assert noted.count == 1


def test_logits_agree_when_they_differ_by_rounding_alone():
    right = torch.randn(3, 1000)
    assert agree(right + 1e-6, right)
    assert not agree(torch.stack([right[0], right[2], right[1]]), right)
    assert not agree(right.index_fill(0, torch.tensor([1]), torch.nan), right)
    broken = right.index_fill(0, torch.tensor([1]), torch.nan)
    assert agree(right, broken), "a row of no numbers says nothing of the others"
    assert agree(right, torch.full_like(right, torch.nan)) is None


def test_on_a_cpu_nothing_is_recorded_and_who_asks_for_it_is_told(reference):
    device = reference.model.device
    assert recorder_for(device, WorkerSettings()) is None
    with pytest.raises(ModelNotLoaded, match=r"EVA01_CUDA_GRAPHS=on, but cpu has none.*=auto"):
        create_engine(NANO, SETTINGS.model_copy(update={"cuda_graphs": "on"})).load()


def test_where_steps_are_recorded_no_memory_is_kept_that_more_of_it_would_replace(reference):
    """Elsewhere than on a CPU; a device of no memory stands for that."""
    text = reference.model.config.get_text_config()
    pool = Pool(text, torch.device("meta"), torch.float32)
    pool.take(4)
    pool.reserve(4)
    pool.read(0, torch.zeros(4, dtype=torch.long, device="meta"), 2, 20)
    assert pool._rooms[0].shape[0] == 0
