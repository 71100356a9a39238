"""What vLLM is told of the settings and of an answer, and what it cannot be told."""

from typing import Any

import pytest

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import BadSetting, WorkerSettings
from worker.engines.vllm.arguments import arguments, check_extra, rows_of, slots_of
from worker.engines.vllm.parameters import check


def told(*, is_on_gpu: bool = True, has_penalty: bool = False, **settings: Any) -> dict[str, Any]:
    return arguments(
        *("/models/a", "a", WorkerSettings(**settings)),
        is_on_gpu=is_on_gpu,
        most_tokens=4096,
        token_bytes=1000,
        most_pixels=784,
        has_penalty=has_penalty,
    )


def test_answers_rest_on_arguments_that_are_always_the_same():
    said = told()
    assert (said["model"], said["served_model_name"], said["dtype"]) == ("/models/a", "a", "bfloat16")
    assert (said["trust_remote_code"], said["load_format"]) == (False, "safetensors")
    assert (said["scheduling_policy"], said["generation_config"]) == ("priority", "vllm")
    assert said["structured_outputs_config"] == {"backend": "guidance"}


def test_memory_is_left_to_vllm_on_a_gpu_and_is_that_of_the_settings_elsewhere():
    assert told()["max_model_len"] == -1
    assert "kv_cache_memory_bytes" not in told()
    small = told(cache_tokens=1000)
    assert (small["kv_cache_memory_bytes"], small["max_model_len"]) == (1024 * 1000, 1024)
    cpu = told(is_on_gpu=False)
    assert (cpu["kv_cache_memory_bytes"], cpu["max_model_len"]) == (32_768 * 1000, 4096)
    assert (cpu["dtype"], cpu["enforce_eager"]) == ("float32", True)


def test_how_sure_it_is_goes_by_what_a_token_is_chosen_from():
    assert told()["logprobs_mode"] == "raw_logprobs"
    assert told(has_penalty=True)["logprobs_mode"] == "processed_logprobs"


def test_slots_follow_the_jobs_that_it_has_at_once():
    assert told(rows=64)["max_num_seqs"] == 64
    assert slots_of(64) == 85
    assert rows_of(WorkerSettings(slots=40), is_on_gpu=True) == 30
    assert rows_of(WorkerSettings(slots=1), is_on_gpu=True) == 1


def test_its_own_arguments_may_be_said_besides():
    said = told(vllm_extra={"tensor_parallel_size": 2, "max_model_len": 2000})
    assert (said["tensor_parallel_size"], said["max_model_len"]) == (2, 2000)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("max_num_seqs", "set EVA01_ROWS in its place"),
        ("dtype", "set EVA01_DTYPE in its place"),
        ("trust_remote_code", "leave it out"),
        ("max_seqs", "is no argument of this vLLM's engine"),
    ],
)
def test_an_argument_that_is_not_its_to_say_is_refused(name, remedy):
    with pytest.raises(BadSetting, match=f"EVA01_VLLM_EXTRA says {name}, .*{remedy}"):
        check_extra(WorkerSettings(vllm_extra={name: 1}), known={"tensor_parallel_size"})
    check_extra(WorkerSettings(vllm_extra={"tensor_parallel_size": 2}), known={"tensor_parallel_size"})


def code_of(options: Options, *, has_penalty: bool = False) -> str | None:
    try:
        check(options, has_penalty=has_penalty)
    except EngineFailure as error:
        return error.code
    return None


def test_what_it_would_answer_otherwise_than_was_asked_is_refused():
    form = ResponseFormat(type="json_object")
    assert code_of(Options(response_format=form, top_logprobs=2)) == "no_logprobs"
    assert code_of(Options(temperature=0.001)) == "no_sampling"
    assert code_of(Options(temperature=1, top_logprobs=2), has_penalty=True) == "no_logprobs"
    assert code_of(Options(temperature=1, top_logprobs=2)) is None
    assert code_of(Options(response_format=form, temperature=0.01)) is None
