"""A model that computes no numbers, since its weights are damaged, or too much for its number format."""

import random
from typing import Any

import pytest
import torch

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.models import Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import QUESTIONS, loaded
from tests.process.rolling.test_formats import FIELDS, rolled


@pytest.fixture(scope="module")
def broken():
    engine = loaded()
    with torch.no_grad():
        engine._model.model.language_model.norm.weight[0] = torch.nan
    return engine


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"temperature": 1.0, "seed": 1},
        {"response_format": ResponseFormat.of_schema(FIELDS)},
        {"response_format": ResponseFormat.of_schema({"type": "string", "maxLength": 3})},
    ],
    ids=["plain", "drawn", "held to a format", "held to one that anything fits"],
)
@pytest.mark.parametrize("is_rolling", [True, False], ids=["rolling", "static"])
def test_what_it_says_is_no_answer(broken, is_rolling, wanted):
    seen = [broken.see(random_scene(random.Random(3), shapes=2).draw(260, 300))]
    job = broken.prepare(seen, QUESTIONS[0], Options(max_new_tokens=8, **wanted))
    (answer,) = rolled(broken, [job]) if is_rolling else broken.generate([job])
    failure: Any = answer.failure()
    assert failure and failure.code is Code.ENGINE_FAILED
    assert "gave no numbers" in failure.message
