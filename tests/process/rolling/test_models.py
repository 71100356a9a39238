"""Which models a rolling batch can run, and that it does with them what `generate` does."""

from typing import Any

import torch
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from jobs.contract.settings import WorkerSettings
from tests.process.rolling.reference import (
    MIXED,
    SETTINGS,
    Reference,
    answer_alone,
    assert_each_answer_is_the_one_given_alone,
    loaded,
)
from worker.engines.rolling.admission import Waiting
from worker.engines.rolling.setup import bytes_per_token, create_loop, why_static


def test_a_models_repetition_penalty_is_that_of_generate(tensors):
    made = loaded()
    before = [answer_alone(made._model, one) for one in tensors]
    made._model.generation_config.repetition_penalty = 4.0
    reference = Reference.of(made._model, made._conversation.ends, tensors)
    assert reference.alone != before, "so that the penalty matters"
    assert_each_answer_is_the_one_given_alone(reference, MIXED)


def test_a_qwen2_vl_rolls_as_well(tensors):
    model = _qwen2_vl()
    assert why_static(model, SETTINGS) is None
    create_loop(model, (), 4, SETTINGS)
    reference = Reference.of(model, frozenset(), tensors)
    assert len(set(reference.alone)) > 4, "so that answers can be told apart"
    assert_each_answer_is_the_one_given_alone(reference, MIXED)


def _qwen2_vl() -> Any:
    torch.manual_seed(5)
    ids = loaded()._model.config
    config = Qwen2VLConfig(
        text_config={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": ids.text_config.vocab_size,
            "bos_token_id": None,
            "eos_token_id": None,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4},
        },
        vision_config={"embed_dim": 32, "depth": 2, "num_heads": 2, "hidden_size": 64},
        image_token_id=ids.image_token_id,
        vision_start_token_id=ids.vision_start_token_id,
        vision_end_token_id=ids.vision_end_token_id,
        video_token_id=ids.video_token_id,
    )
    model = Qwen2VLForConditionalGeneration(config).eval().float()
    # Initial random weights are near zero, which makes all answers the same.
    for weights in model.parameters():
        weights.data *= 4
    model.generation_config.do_sample = False
    return model


def test_it_knows_which_models_it_can_run_and_says_why_not(reference):
    assert why_static(reference.model, SETTINGS) is None
    assert why_static(reference.model, WorkerSettings(batching="static")) == "EVA01_BATCHING=static"


def test_what_generate_would_do_besides_is_not_left_out(engine, monkeypatch):
    monkeypatch.setattr(engine._model.generation_config, "no_repeat_ngram_size", 3)
    assert why_static(engine._model, SETTINGS) == "its generation_config.json sets no_repeat_ngram_size"


def test_a_token_costs_a_key_and_a_value_in_every_layer(reference):
    text = reference.model.config.text_config
    width = text.hidden_size // text.num_attention_heads
    assert bytes_per_token(reference.model) == 8 * text.num_hidden_layers * text.num_key_value_heads * width


def test_what_was_given_up_is_first_in_its_line(reference):
    line = Waiting()
    first, second = reference.request(0), reference.request(1)
    line.add(first)
    line.put_back(second)
    assert next(iter(line)) is second
