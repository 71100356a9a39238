"""The transformers engine with a model of another family: a LLaVA in miniature, with random weights."""

import random

import pytest
import torch
from transformers import (
    AutoTokenizer,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from jobs.contract.catalog import card_for
from jobs.contract.errors import TooLarge
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.drawing import random_scene
from tests.preparing import prepare
from worker.engines import create_engine
from worker.engines.transformers_engine import _BUNDLED

CHAT = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %} ASSISTANT:"
)
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
PIXELS, PATCH = 56, 14


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-llava"
    tokenizer = AutoTokenizer.from_pretrained(_BUNDLED / "nano")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=PIXELS, patch_size=PATCH, **SMALL),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **SMALL,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    square = {"height": PIXELS, "width": PIXELS}
    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=square, crop_size=square),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    ).save_pretrained(folder)
    made = create_engine(card_for(str(folder)), WorkerSettings(device="cpu"))
    made.load()
    return made


def test_a_model_of_another_family_answers_a_batch_as_one_at_a_time(engine):
    rng = random.Random(3)
    prepared = [
        prepare(
            engine,
            random_scene(rng, shapes=2).draw(rng.randint(60, 900), rng.randint(60, 900)),
            "what is this " * n,
            Options(max_new_tokens=6),
        )
        for n in range(1, 5)
    ]
    together = engine.generate(prepared)
    assert together == [engine.generate([one])[0] for one in prepared]
    assert {answer.usage.visual_tokens for answer in together} == {(PIXELS // PATCH) ** 2}


def test_a_model_of_another_family_is_given_all_images_of_a_job(engine):
    rng = random.Random(4)
    red, blue = (random_scene(rng, shapes=2).draw(200, 300) for _ in range(2))
    prepared = [prepare(engine, images, "what?", Options(max_new_tokens=6)) for images in ([red, blue], blue)]
    together = engine.generate(prepared)
    assert together == [engine.generate([one])[0] for one in prepared]
    places = (PIXELS // PATCH) ** 2
    assert [answer.usage.visual_tokens for answer in together] == [2 * places, places]


def test_a_prompt_that_is_longer_than_the_model_has_learned_to_read_is_refused(engine):
    image = random_scene(random.Random(4)).draw(100, 100)
    job = prepare(engine, [image] * 200, "what?", Options(max_new_tokens=1))
    with pytest.raises(TooLarge, match="2,048 at once") as refused:
        engine.generate([job])
    assert refused.value.code == "prompt_too_long"


def test_its_images_are_scaled_down_to_the_limit(engine):
    scene = random_scene(random.Random(3))
    small = create_engine(card_for(engine._source.address), WorkerSettings(device="cpu", max_pixels=50_000))
    small.load()
    image = prepare(small, scene.draw(1000, 500), "q", Options()).images[0]
    assert abs(image.width * image.height - 50_000) < 500


def test_it_answers_in_static_batches_and_says_why(engine, caplog):
    again = create_engine(card_for(engine._source.address), WorkerSettings(device="cpu"))
    with caplog.at_level("INFO"):
        again.load()
    assert again.rolling is None
    assert "in static batches: there is no rolling batch for the family llava." in caplog.text
