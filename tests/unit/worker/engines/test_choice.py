"""Which engine runs a model of the hub, and what the worker says of it."""

from typing import Any

import pytest

from jobs.contract.settings import BadSetting, WorkerSettings
from worker.engines.choice import TRANSFORMERS, VLLM, CannotRun, Choice, Machine, choose

GPU, CPU = Machine(has_vllm=True, has_gpu=True), Machine(has_vllm=True, has_gpu=False)
BARE = Machine(has_vllm=False, has_gpu=True)
QWEN: dict[str, Any] = {"model_type": "qwen2_5_vl"}


def chosen(machine: Machine, config: dict[str, Any] = QWEN, said: Any = None, **settings: Any) -> Choice:
    return choose(WorkerSettings(**settings), machine, config, said or {})


def refusal(machine: Machine, config: dict[str, Any] = QWEN, said: Any = None, **settings: Any) -> CannotRun:
    with pytest.raises(CannotRun) as refused:
        chosen(machine, config, said, engine="vllm", **settings)
    return refused.value


def test_by_itself_vllm_runs_a_family_that_it_knows_on_a_gpu():
    choice = chosen(GPU)
    assert choice.engine == VLLM
    assert choice.reason == "it is installed, knows the family, and there is a GPU (EVA01_ENGINE=auto)"


@pytest.mark.parametrize(
    ("machine", "config", "settings", "reason"),
    [
        (BARE, QWEN, {}, "vLLM is not installed here"),
        (CPU, QWEN, {}, "there is no GPU for vLLM"),
        (GPU, {"model_type": "llava"}, {}, "prompts of the family llava have not been tried with vLLM"),
        (GPU, {}, {}, "its config.json could not be read"),
        (GPU, QWEN, {"attention": "sdpa"}, "EVA01_ATTENTION=sdpa is for transformers alone"),
        (GPU, QWEN, {"batching": "static"}, "EVA01_BATCHING=static is for transformers alone"),
        (GPU, QWEN, {"unused_weights": "ignore"}, "EVA01_UNUSED_WEIGHTS=ignore is for transformers alone"),
        (GPU, QWEN, {"device": "cuda:1"}, "EVA01_DEVICE=cuda:1 is none that vLLM can be told to take"),
    ],
)
def test_elsewhere_transformers_does_and_says_why(machine, config, settings, reason):
    assert chosen(machine, config, **settings) == Choice(TRANSFORMERS, f"{reason} (EVA01_ENGINE=auto)")


def test_what_was_chosen_is_taken():
    assert chosen(GPU, engine="transformers").engine == TRANSFORMERS
    assert chosen(CPU, engine="vllm") == Choice(VLLM, "EVA01_ENGINE=vllm")


def test_vllm_that_was_asked_for_and_may_not_is_refused_with_a_remedy():
    assert "environment of its own" in refusal(BARE).remedy
    assert "leave EVA01_ATTENTION out" in refusal(GPU, attention="eager").remedy
    assert "CUDA_VISIBLE_DEVICES" in refusal(GPU, device="cuda:1").remedy
    heeded = refusal(GPU, said={"no_repeat_ngram_size": 3})
    assert "sets no_repeat_ngram_size" in str(heeded)
    assert heeded.remedy == "set EVA01_ENGINE=transformers"


def test_an_engine_that_there_is_not_is_refused(monkeypatch):
    monkeypatch.setenv("EVA01_ENGINE", "sglang")
    with pytest.raises(BadSetting, match="EVA01_ENGINE='sglang'"):
        WorkerSettings.read()
