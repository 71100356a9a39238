"""Models that would answer, and wrongly: they are refused when they are loaded, in one line with a remedy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from jobs.contract.asking.chat import Role, Turn
from jobs.contract.catalog import card_for
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.families.miniatures import CHAT, NANO, save_llava
from tests.files.drawing import Scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded

#: A tensor as the file calls it, and as the model does.
IN_FILE, UP = (f"model.{text}layers.1.mlp.up_proj.weight" for text in ("", "language_model."))
ANEW = "get the whole folder anew"
TEMPLATE = (NANO / "chat_template.jinja").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of nano."""
    return Path(shutil.copytree(NANO, tmp_path / "copy"))


def loaded(folder: Path, **settings: Any) -> Any:
    engine = create_engine(card_for(str(folder)), WorkerSettings(device="cpu", **settings))
    engine.load()
    return engine


def refusal(folder: Path) -> str:
    with pytest.raises(ModelNotLoaded) as caught:
        loaded(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def change_settings(folder: Path, name: str, **more: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


# Weights


def test_a_tensor_that_is_missing_is_named(folder):
    change_weights(folder, lambda weights: weights.pop(IN_FILE))
    said = refusal(folder)
    assert f"the files lack 1 ({UP}) of its tensors, which would be random" in said
    assert "Remedy: get the whole folder anew" in said


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, f"have nothing but zeros, as a file has that was downloaded by half. Remedy: {ANEW}"),
        (torch.nan, f"have NaN or infinity. Remedy: {ANEW}"),
        (-torch.inf, f"have NaN or infinity. Remedy: {ANEW}"),
    ],
)
def test_a_tensor_without_numbers_is_refused(folder, value, expected):
    change_weights(folder, lambda weights: weights[IN_FILE].fill_(value))
    said = refusal(folder)
    assert f"tensors ({UP})" in said
    assert expected in said


def test_a_bias_may_be_zero_and_so_may_much_of_a_tensor(folder):
    def clear(weights: dict[str, torch.Tensor]) -> None:
        weights[IN_FILE][1:].zero_()
        bias = next(tensor for name, tensor in weights.items() if name.endswith("bias"))
        bias.zero_()

    change_weights(folder, clear)
    loaded(folder)


def test_tensors_of_other_names_are_not_the_models(folder):
    def rename(weights: dict[str, torch.Tensor]) -> None:
        for name in [name for name in weights if ".mlp." in name]:
            weights[name.replace(".mlp.", ".feed_forward.")] = weights.pop(name)

    change_weights(folder, rename)
    said = refusal(folder)
    assert "the files lack" in said
    assert ".mlp." in said


def test_tensors_that_nothing_takes_are_refused_unless_that_is_meant(folder):
    change_weights(folder, lambda weights: weights.update({f"{IN_FILE}_scale_inv": torch.ones(3)}))
    said = refusal(folder)
    assert f"no part of the model takes 1 ({UP}_scale_inv)" in said
    assert "EVA01_UNUSED_WEIGHTS=ignore" in said
    loaded(folder, unused_weights="ignore")


def test_a_tensor_of_another_size_than_the_settings_say_is_named_with_both(folder):
    change_weights(folder, lambda weights: weights.update({IN_FILE: weights[IN_FILE][:10].clone()}))
    said = refusal(folder)
    assert f"1 of the files' tensors have other sizes than config.json says: {UP} has 10 × " in said
    assert "Remedy: get the config.json that belongs to these weights" in said


@pytest.mark.parametrize("method", ["modelopt", "of-tomorrow"])
def test_weights_that_are_quantised_in_a_way_that_nobody_undoes_are_refused(folder, method):
    change_settings(folder, "config.json", quantization_config={"quant_method": method, "bits": 4})
    assert f"its weights are quantised by {method!r}" in refusal(folder)


# Templates

BLIND = {
    "no place for an image": (
        "{% for message in messages %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}"
        "{% endfor %}"
    ),
    "leaves out the question": (
        "{% for message in messages %}{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<|image_pad|>{% endif %}{% endfor %}{% endfor %}"
    ),
    "has 2 places for one image, and 4 for two": TEMPLATE.replace("<|image_pad|>", "<|image_pad|>" * 2),
    "has 1 places for one image, and 1 for two": "<|image_pad|>{{ messages[0]['content'] }}",
    "cannot be used: TemplateError: a system's turn is needed": (
        '{{ raise_exception("a system\'s turn is needed") }}'
    ),
    "cannot be used: TypeError": "{{ messages[0]['role'] + messages[0]['content'] }}",
}


@pytest.mark.parametrize("why", BLIND)
def test_a_template_that_would_leave_out_what_is_asked_is_refused(folder, why):
    (folder / "chat_template.jinja").write_text(BLIND[why], encoding="utf-8")
    said = refusal(folder)
    assert why in said
    assert "Remedy: take the chat template of the model's makers" in said


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("{% set messages = messages[-1:] %}", "leaves out a turn of the system"),
        (
            "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}",
            "refuses the chat: one",
        ),
    ],
)
def test_a_chat_of_which_the_template_leaves_out_a_turn_fails(folder, rest, why):
    (folder / "chat_template.jinja").write_text(rest + TEMPLATE, encoding="utf-8")
    engine, image = loaded(folder), Scene("white", (("red", "circle"),)).draw()
    chat = (Turn(role=Role.SYSTEM, parts=("In French.",)), Turn(role=Role.USER, parts=(None, "What is it?")))
    with pytest.raises(EngineFailure, match=why):
        prepare(engine, image, "", Options(max_new_tokens=1, chat=chat))


def test_a_template_with_another_models_place_for_an_image_is_refused(folder):
    (folder / "chat_template.jinja").write_text(
        TEMPLATE.replace("<|image_pad|>", "<image>"), encoding="utf-8"
    )
    said = refusal(folder)
    assert "the chat template made 0 of 1 places (<|image_pad|>)" in said
    assert "Remedy: take the chat template and the processor's settings" in said


def test_no_template_at_all_is_refused(folder):
    (folder / "chat_template.jinja").unlink()
    assert "it has no chat template" in refusal(folder)


@pytest.mark.parametrize(
    ("config", "takes", "instead"),
    [
        (transformers.Florence2Config, "<CAPTION>", "run llava-hf/llava-onevision-qwen2-0.5b-ov-hf"),
        (transformers.Blip2Config, "'Question: … Answer:'", "run llava-hf/llava-onevision-qwen2-0.5b-ov-hf"),
        (transformers.Kosmos2_5Config, "<ocr> and <md>", "run ocr or stepfun-ai/GOT-OCR-2.0-hf"),
        (transformers.PaliGemmaConfig, "'answer en …'", "run google/gemma-3-4b-it"),
    ],
)
def test_a_family_that_has_none_by_design_is_refused_with_what_to_run_instead(folder, config, takes, instead):
    config().save_pretrained(folder)
    (folder / "chat_template.jinja").unlink()
    said = refusal(folder)
    assert f"its family {config.model_type!r} is not asked by chats" in said
    assert takes in said
    assert f"Remedy: {instead}" in said


def test_one_of_such_a_family_that_was_given_a_template_goes_on_to_its_processor(folder):
    transformers.PaliGemmaConfig().save_pretrained(folder)
    assert "is not asked by chats" not in refusal(folder)


def test_a_template_that_only_the_tokenizer_has_is_used(folder):
    asked = Scene("white", (("red", "circle"),)).draw(), "What is in the image?", Options(max_new_tokens=20)
    usual = loaded(folder)
    (folder / "chat_template.jinja").unlink()
    change_settings(folder, "tokenizer_config.json", chat_template=TEMPLATE)
    other = loaded(folder)
    said = [engine.generate([prepare(engine, *asked)])[0].text for engine in (usual, other)]
    assert said[0] == said[1] != ""


@pytest.mark.parametrize(
    ("chat", "why"),
    [
        (CHAT.replace("<image>", ""), "no place for an image"),
        (CHAT.replace("<image>", "<picture>"), "cannot put an image into a question: ValueError"),
        (CHAT.replace("<image>", "<image><image>"), "has 2 places for one image, and 4 for two"),
    ],
)
def test_that_holds_for_other_families(tmp_path, chat, why):
    assert why in refusal(save_llava(tmp_path / "llava", chat))
