"""A model, sample inputs, and their reference, made once for each process of tests."""

import random
from typing import Any

import pytest

from jobs.contract.models import Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import LONGEST, QUESTIONS, Reference, loaded
from tests.stubs.preparing import prepare
from worker.engines.transformers_engine import TransformersEngine


@pytest.fixture(scope="session")
def engine() -> TransformersEngine:
    return loaded()


@pytest.fixture(scope="session")
def tensors(engine) -> list[Any]:
    """Inputs of images of mixed sizes, with questions; the last two are of several images each."""
    rng = random.Random(11)
    made = []
    for number in range(8):
        image = random_scene(rng, shapes=1 + number % 3).draw(rng.randint(130, 900), rng.randint(130, 900))
        question, longest = QUESTIONS[number % 3], Options(max_new_tokens=LONGEST)
        made.append(prepare(engine, image, question, longest).tensors)
    for sizes in ((900, 300), range(150, 950, 50)):
        images = [random_scene(rng, shapes=2).draw(size, 200) for size in sizes]
        made.append(prepare(engine, images, QUESTIONS[0], Options(max_new_tokens=LONGEST)).tensors)
    lengths = [one["input_ids"].shape[1] for one in made]
    assert len(set(lengths)) > 3
    assert max(lengths) > 5 * min(lengths)
    return made


@pytest.fixture(scope="session")
def reference(engine, tensors) -> Reference:
    made = Reference.of(engine._model, engine._conversation.ends, tensors)
    assert len({len(answer) for answer in made.alone}) > 2
    return made
