"""The model for each name, hub address or folder."""

import re

import pytest

from jobs.contract.catalog import NAME_PATTERN, EngineName, card_for, name_of


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl-7b"),
        ("Qwen/Qwen2.5-VL-72B-Instruct", "qwen2.5-vl-72b"),
        ("/models/My Model/", "my-model"),
        ("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "smolvlm2-2.2b"),
        ("models/视觉模型-v2", "v2-44bfc63b"),
        ("/models/模型", "model-e1410eb5"),
        ("/models/模型/", "model-e1410eb5"),
        ("/models/另一个模型", "model-25edb776"),
        ("/models/Модель", "model-f0019d55"),
    ],
)
def test_a_hub_address_or_folder_becomes_a_short_name_that_fits_keys_and_labels(source, name):
    assert name_of(source) == name
    assert re.match(NAME_PATTERN, name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/models/模型甲-7b", "/models/模型乙-7b"),
        ("/models/café", "/models/caf"),
        ("/models/K2", "/models/\N{KELVIN SIGN}2"),
        (f"/models/{'long' * 16}-a", f"/models/{'long' * 16}-b"),
    ],
)
def test_folders_whose_names_differ_only_in_what_a_short_name_cannot_have_are_two_models(one, other):
    assert name_of(one) != name_of(other)
    assert {name_of(name_of(source)) for source in (one, other)} == {name_of(one), name_of(other)}


def test_the_short_name_of_model_name_leads_to_its_hub_address():
    card = card_for("qwen2.5-vl-3b", model_name="Qwen/Qwen2.5-VL-3B-Instruct")
    assert card.source == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert card.engine is EngineName.TRANSFORMERS


def test_any_hub_address_is_a_model():
    card = card_for("llava-hf/llava-1.5-7b-hf")
    assert (card.name, card.source) == ("llava-1.5-7b-hf", "llava-hf/llava-1.5-7b-hf")


def test_only_ocr_does_not_use_the_question():
    assert not card_for("ocr").uses_question
    assert card_for("nano").uses_question
    assert card_for("qwen2.5-vl-7b").uses_question
