"""Each family that rolls answers as `generate` does, whatever else is in flight; in miniature."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from scripts.families import makers, rows_of_page
from tests.families import tiles
from tests.families.miniatures import save_llava
from tests.files.drawing import random_scene
from tests.process.rolling.reference import (
    DRAWN,
    LONGEST,
    QUESTIONS,
    SETTINGS,
    Reference,
    arrivals,
    assert_each_answer_is_the_one_given_alone,
)
from tests.process.rolling.test_formats import FIELDS
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.rolling.families.known import why_unknown
from worker.engines.rolling.setup import why_static

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # In transformers' own Pillow processors, by which GLM-4V's grids become tensors.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

ROLLING = (
    "qwen3_vl",
    "qwen3_vl_moe",
    "glm4v",
    "internvl",
    "llava",
    "gemma3",
    "idefics3",
    "llava_next",
    "llava_onevision",
)
_WINDOW: dict[str, Any] = {"sliding_window": 20, "num_key_value_heads": 1}
_HALF: dict[str, Any] = {"use_sliding_window": True, "layer_types": ["sliding_attention", "full_attention"]}
#: Beside those of the page: SmolVLM, and decoders of which all layers, or one of two, see fewer tokens than
#: the longest answers have.
MORE: dict[str, Callable[[Path], Path]] = {
    "smolvlm": tiles.smolvlm,
    "mistral": partial(save_llava, text=transformers.MistralConfig, **_WINDOW),
    "qwen2": partial(save_llava, text=transformers.Qwen2Config, **_WINDOW, **_HALF),
}
#: How the jobs are answered, each about one image, two or three.
WANTED: list[dict[str, Any]] = [
    {},
    {},
    {},
    {"response_format": ResponseFormat.of_schema(FIELDS)},
    {"temperature": 1.5, "seed": 3},
    {"temperature": 0.7, "top_p": 0.9, "seed": 4},
]
ARRIVALS = arrivals(len(WANTED), fewest=2, most=8, latest=40)


@pytest.fixture(scope="module", params=[*ROLLING, *MORE])
def family(request, tmp_path_factory) -> Reference:
    make = (makers() | MORE)[request.param]
    engine: Any = create_engine(
        card_for(str(make(tmp_path_factory.mktemp("models") / request.param))), SETTINGS
    )
    engine.load()
    assert engine.rolling
    rng, jobs = random.Random(11), []
    drawn = [random_scene(rng, shapes=2).draw(*rng.choices(range(60, 300), k=2)) for _ in range(6)]
    for number, wanted in enumerate(WANTED):
        # The jobs of a half begin with the same image, and ask otherwise.
        half, count = number // 3 * 3, 1 + number % 3
        images = drawn[half : half + count]
        jobs.append(prepare(engine, images, QUESTIONS[number % 3], Options(max_new_tokens=LONGEST, **wanted)))
    made = Reference.of_jobs(engine, jobs)
    assert len(set(made.alone)) == len(WANTED), "so that answers can be told apart"
    return made


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(DRAWN, max_examples=8)
@given(ARRIVALS, st.integers(2, 5), st.sampled_from([300, 800, 10_000]), st.sampled_from([1, 150, 512]))
def test_whatever_else_is_in_flight_an_answer_is_the_one_given_alone(
    family, arrivals, slots, budget, prefill_tokens
):
    assert_each_answer_is_the_one_given_alone(
        family, arrivals, slots=slots, budget_tokens=budget, prefill_tokens=prefill_tokens
    )


def test_what_is_seen_decides_each_token_of_an_answer(family):
    """An answer that is the same whatever is seen would prove nothing of the above."""
    number = 0
    blind = dict(family.tensors[number])
    blind["pixel_values"] = torch.ones_like(blind["pixel_values"])
    out = family.model.generate(**blind, max_new_tokens=LONGEST)
    assert tuple(out[0, blind["input_ids"].shape[1] :].tolist()) != family.alone[number]


def test_a_decoder_that_keeps_a_state_or_counts_by_the_longest_text_answers_in_static_batches(
    family, monkeypatch
):
    text = family.model.config.get_text_config()
    with monkeypatch.context() as patch:
        patch.setattr(text, "layer_types", ["full_attention", "linear_attention"], raising=False)
        assert why_static(family.model, SETTINGS) == (
            "it has layers of linear_attention, whose past is not kept as that of others"
        )
    rope = next(
        one for one in (*text.rope_parameters.values(), text.rope_parameters) if isinstance(one, dict)
    )
    monkeypatch.setitem(rope, "rope_type", "dynamic")
    assert why_static(family.model, SETTINGS) == "its positions depend on how long a text is"


def test_all_that_roll_by_the_page_are_tried():
    rolling = {row.split("`")[1] for row in rows_of_page() if "| rolling |" in row}
    assert rolling == {"qwen2_5_vl", *ROLLING}


def test_tiles_before_a_decoder_that_was_not_tried_are_answered_in_static_batches():
    config = transformers.LlavaConfig(text_config=transformers.GemmaConfig())
    assert why_unknown(config) == "there is no rolling batch for a llava with a gemma"
