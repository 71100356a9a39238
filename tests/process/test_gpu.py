"""`python -m scripts.gpu`, which a GPU is for, in miniature: every part runs to its end."""

import json
import os
import subprocess

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from scripts.gpu.parts import Parts
from scripts.gpu.shapes import SHAPES, config_of
from tests.processes import python
from tests.stubs.processes import ROOT

pytestmark = pytest.mark.process


def gpu(*options: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    command = python("scripts.gpu", *options)
    # Images are cut as they are on a GPU, where that is not asked for.
    env = {**os.environ, "EVA01_PREPROCESSING": "device"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110)


def test_every_part_runs_to_its_end_and_answers_are_those_of_generate():
    done = gpu("--model", "miniature", "--seconds", "5")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [line["part"] for line in lines] == [
        *("load", "steps", "attending", "first token", "rates", "prefill", "idle"),
        *("out of memory", "soak", "identity"),
    ]
    found = {what: value for line in lines for what, value in line["found"].items()}
    assert found["soak: jobs that came"] > 0
    assert found["soak: jobs that did not end"] == found["soak: jobs that failed"] == 0
    assert found["answers by plain steps as of `generate` alone, float32, of 3"] == 3
    assert found["answers by recorded steps as of `generate` alone, float32, of 3"] == 3
    assert found["of these steps, by recorded ones: recorded"] > 0
    assert found["of these steps, by recorded ones: differed"] == 0
    assert all(f"| {what} | " in done.stdout for what in found)
    assert "miniature on a CPU" in done.stdout


def test_what_wants_a_gpu_says_so_where_there_is_none():
    done = gpu("--write", "--model", "miniature")
    assert (done.returncode, "leave --write out" in done.stderr) == (2, True)


def test_a_part_that_fails_takes_no_other_with_it_and_one_that_is_late_is_told(capsys):
    parts = Parts(seconds=100)
    parts.run("broken", 0.5, lambda _: {"a": 1 / 0})
    parts.run("whole", 0.5, lambda seconds: {"seconds": seconds})
    parts.seconds = 0
    parts.run("late", 0.5, lambda seconds: {"left": seconds})
    assert parts.failed == ["broken"]
    assert (parts.found["seconds"], parts.found["left"]) == (50, 0)
    assert "| broken: failed | ZeroDivisionError: division by zero |" in parts.table()
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(("name", "weights"), [("random-7b", 8_292_166_656), ("random-3b", 3_754_622_976)])
def test_a_random_model_has_as_many_weights_as_the_one_whose_shape_it_has(name, weights):
    assert name in SHAPES
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(config_of(name))
    assert model.num_parameters() == weights
