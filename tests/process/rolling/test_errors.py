"""Errors of the device: only the culprit has no answer, and the loop lives."""

import pytest
import torch

from tests.process.rolling.reference import SEVERAL, fail, failure_of, run, submit
from worker.engines.base import DeviceLost

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    "error", [FULL, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
@pytest.mark.parametrize("where", ["prefill", "step"])
def test_when_memory_is_out_the_newest_run_again_and_every_answer_is_right(
    reference, monkeypatch, where, error
):
    """The allocator fails when more than two rows are computed at once."""
    loop = reference.loop(slots=4)
    fail(monkeypatch, where, error, lambda *_: len(loop.on_device()) > 2)
    numbers = (0, 1, SEVERAL, 3, 4)
    requests = [reference.request(n) for n in numbers]
    submit(loop, *requests)
    said = run(loop)
    assert [said[request].tokens for request in requests] == [reference.answer(n) for n in numbers]
    assert loop.budget.tokens < 10_000


def test_when_images_do_not_fit_together_they_are_seen_one_by_one(reference, monkeypatch):
    loop = reference.loop(slots=1)
    fail(monkeypatch, "prefill", FULL, lambda _, requests, __: len(requests) > 1)
    requests = [reference.request(n) for n in range(4)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[request].tokens for request in requests] == [reference.answer(n) for n in range(4)]


@pytest.mark.parametrize("where", ["prefill", "step"])
def test_an_image_that_does_not_fit_alone_fails_and_the_loop_lives(reference, monkeypatch, where):
    loop = reference.loop()
    with monkeypatch.context() as patch:
        fail(patch, where, FULL, lambda *_: True)
        request = reference.request(0)
        loop.submit(request)
        failure = failure_of(run(loop)[request])
        assert failure.code == "out_of_memory"
        assert (
            "by max_pixels where the model has that choice, else by MAX_PIXELS of its worker"
            in failure.message
        )
    again = reference.request(0)
    loop.submit(again)
    assert run(loop)[again].tokens == reference.answer(0)


def test_only_the_image_on_which_the_model_fails_has_no_answer(reference, monkeypatch):
    loop = reference.loop(slots=3)
    requests = [reference.request(n) for n in range(6)]
    fail(monkeypatch, "prefill", ValueError("poisoned"), lambda _, pack, __: requests[3] in pack)
    submit(loop, *requests)
    said = run(loop)
    assert [failure.code for one in requests if (failure := said[one].failure)] == ["engine_failed"]
    assert "poisoned" in failure_of(said[requests[3]]).message
    right = [reference.answer(n) if n != 3 else () for n in range(6)]
    assert [said[request].tokens for request in requests] == right


def test_a_lost_device_is_the_end(reference, monkeypatch):
    loop = reference.loop()
    fail(monkeypatch, "step", torch.AcceleratorError("unspecified launch failure"), lambda *_: True)
    submit(loop, reference.request(0), reference.request(1))
    with pytest.raises(DeviceLost, match="unspecified launch failure"):
        loop.turn()
