"""Rows that attend to blocks where they are say what they say alone; what attends wrongly is not taken."""

import logging
import random
from functools import partial
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.families.miniatures import save_llava
from tests.files.drawing import random_scene
from tests.process.rolling.reference import (
    DRAWN,
    LONGEST,
    MIXED,
    QUESTIONS,
    SETTINGS,
    Reference,
    arrivals,
)
from tests.process.rolling.reference import assert_each_answer_is_the_one_given_alone as assert_right
from tests.process.rolling.test_captured import counted
from tests.stubs.in_place import InPlace
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import DeviceLost
from worker.engines.rolling.captured import steps
from worker.engines.rolling.captured.recording import Plain
from worker.engines.rolling.past import in_place as choosing


def test_every_answer_is_the_one_given_alone(reference):
    in_place = InPlace()
    assert_right(reference, MIXED, slots=5, in_place=in_place)
    assert in_place.calls


@settings(DRAWN, max_examples=5)
@given(arrivals(10, fewest=3, most=8, latest=25), st.sampled_from([160, 400, 10_000]))
def test_whatever_comes_and_goes_and_is_put_back(reference, asked, budget):
    assert_right(reference, asked, slots=4, budget_tokens=budget, in_place=InPlace())


def test_recorded_steps_do_it_too(reference, monkeypatch):
    monkeypatch.setattr(steps, "_OFTEN", 0)
    tried, differed = counted("tried"), counted("differed")
    assert_right(reference, MIXED, slots=5, in_place=InPlace(), recorder=Plain())
    assert counted("tried") > tried
    assert counted("differed") == differed


@pytest.fixture(scope="module")
def sliding(tmp_path_factory) -> Reference:
    """A decoder whose layers see twenty tokens, fewer than its prompts have."""
    folder = tmp_path_factory.mktemp("models") / "mistral"
    save_llava(folder, text=transformers.MistralConfig, sliding_window=20, num_key_value_heads=1)
    engine: Any = create_engine(card_for(str(folder)), SETTINGS)
    engine.load()
    rng, tensors = random.Random(5), []
    for question in QUESTIONS:
        image = random_scene(rng, shapes=2).draw(200, 100)
        tensors.append(prepare(engine, image, question, Options(max_new_tokens=LONGEST)).tensors)
    return Reference.of(engine._model, engine._conversation.ends, tensors)


def test_a_window_is_what_the_last_tokens_are_in(sliding):
    in_place = InPlace()
    asked = [(n % len(QUESTIONS), *rest) for n, *rest in MIXED]
    assert_right(sliding, asked, slots=5, in_place=in_place)
    assert in_place.calls


@pytest.mark.parametrize("model", ["reference", "sliding"])
def test_what_attends_as_gathered_blocks_are_attended_to_is_taken(request, model):
    in_place = InPlace()
    assert choosing.tried(request.getfixturevalue(model).model, lambda: in_place)
    # Both ways once for each window.
    assert in_place.calls >= 2


class OneTooFew(InPlace):
    """Does not see the token itself."""

    def __call__(self, *args: Any, cache_seqlens: torch.Tensor, **how: Any) -> torch.Tensor:
        return super().__call__(*args, cache_seqlens=(cache_seqlens - 1).clamp(min=1), **how)


class WithoutWindows(InPlace):
    """Sees all that is behind a token."""

    def __call__(self, *args: Any, window_size: tuple[int, int], **how: Any) -> torch.Tensor:
        return super().__call__(*args, window_size=(-1, -1), **how)


class HalfOfLongRows(InPlace):
    """Leaves out of long rows what another part of the device has summed."""

    def __call__(self, *args: Any, cache_seqlens: torch.Tensor, **how: Any) -> torch.Tensor:
        return super().__call__(*args, cache_seqlens=cache_seqlens.clamp(max=1500), **how)


class NoNumber(InPlace):
    """Gives what is no number."""

    def __call__(self, *args: Any, **how: Any) -> torch.Tensor:
        return super().__call__(*args, **how) * torch.nan


def refuses(*_: Any, **__: Any) -> torch.Tensor:
    raise RuntimeError("This flash attention build does not support headdim 96.\nAnd much more.")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (OneTooFew(), "it differs from what is gathered by"),
        (WithoutWindows(), "(window 20)"),
        (HalfOfLongRows(), "(window None)"),
        (NoNumber(), "it differs from what is gathered by nan"),
        (refuses, "RuntimeError: This flash attention build does not support headdim 96. "),
    ],
)
def test_what_does_otherwise_is_not_taken_and_the_log_says_why(reference, caplog, wrong, why):
    assert choosing.tried(reference.model, lambda: wrong) is None
    assert why.strip() in caplog.text
    assert "EVA01_ATTENTION=sdpa" in caplog.text


def test_a_library_that_cannot_be_loaded_is_not_taken(reference, caplog):
    def load() -> Any:
        raise ImportError("libcudart.so.13: cannot open shared object file")

    assert choosing.tried(reference.model, load) is None
    assert "libcudart.so.13" in caplog.text


def test_where_memory_runs_out_meanwhile_it_is_not_taken(reference, caplog):
    def too_much(*_: Any, **__: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    assert choosing.tried(reference.model, lambda: too_much) is None
    assert "out of memory" in caplog.text


def test_a_device_that_is_lost_by_it_is_known_as_such(reference):
    def loses(*_: Any, **__: Any) -> torch.Tensor:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(DeviceLost, match="illegal memory access"):
        choosing.tried(reference.model, lambda: loses)


class OnGpu:
    """A model as far as it is looked at before anything is tried."""

    device, dtype = torch.device("cuda", 0), torch.bfloat16


@pytest.mark.parametrize(
    ("device", "dtype", "attention", "capability"),
    [
        ("cpu", "bfloat16", "auto", 9),
        ("cuda", "float32", "auto", 9),
        ("cuda", "bfloat16", "sdpa", 9),
        ("cuda", "bfloat16", "auto", 8),
        ("cuda", "bfloat16", "auto", 10),
    ],
)
def test_it_is_not_looked_for_where_it_cannot_be_or_is_not_wanted(
    monkeypatch, device, dtype, attention, capability
):
    model = OnGpu()
    model.device, model.dtype = torch.device(device), getattr(torch, dtype)
    monkeypatch.setattr(choosing, "tried", partial(pytest.fail, "it was tried"))
    monkeypatch.setattr(choosing, "_MODULE", "json")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (capability, 0))
    assert choosing.in_place_for(model, WorkerSettings(attention=attention)) is None


def test_without_the_library_nothing_is_tried_nor_said(caplog):
    caplog.set_level(logging.INFO)
    assert choosing.in_place_for(OnGpu(), WorkerSettings()) is None
    assert not caplog.text
