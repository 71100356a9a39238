"""The transformers engine, with the bundled `nano`: the same code path as the 7B."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from PIL import Image

from jobs.contract.asking.chat import Role, Turn, question_about
from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.catalog import MODELS_FOLDER, NANO, card_for
from jobs.contract.errors import EngineFailure, TooLarge
from jobs.contract.models import FinishReason, Options
from jobs.contract.settings import WorkerSettings
from tests.files.drawing import Scene, random_scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer, ModelNotLoaded
from worker.engines.deadline import Deadline
from worker.engines.proportions import fit
from worker.engines.saying.said import Said, has_ended, until_end
from worker.engines.seeing.processors import GridProcessor
from worker.engines.transformers_engine import TransformersEngine
from worker.engines.weights.source import Source

DESCRIBE = "Describe this image."
SHORT = Options(max_new_tokens=24)


@pytest.fixture(scope="module")
def engine():
    made = create_engine(NANO, WorkerSettings(dtype="float32", device="cpu"))
    made.load()
    return made


def ask(
    engine, image: Image.Image, question: str = DESCRIBE, options: Options = SHORT
) -> Answer | EngineFailure:
    (outcome,) = engine.generate([prepare(engine, image, question, options)])
    return outcome


def mixed(count: int) -> list[tuple[Image.Image, str]]:
    rng = random.Random(7)
    questions = (
        DESCRIBE,
        "描述这张图片的内容和颜色",
        "How many shapes are there?",
        "What color is the background?",
    )
    scenes = [random_scene(rng, shapes=1 + n % 3) for n in range(count)]
    return [
        (scene.draw(rng.randint(130, 1100), rng.randint(130, 900)), questions[n % 4])
        for n, scene in enumerate(scenes)
    ]


def test_a_model_out_of_a_bucket_answers_as_that_of_a_folder(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    card = card_for((MODELS_FOLDER / "nano").as_uri())
    other = create_engine(card, WorkerSettings(dtype="float32", device="cpu"))
    other.load()
    image = Scene("white", (("blue", "square"),)).draw(300, 200)
    assert ask(other, image) == ask(engine, image)


def test_it_says_what_is_drawn(engine):
    answer = ask(engine, Scene("white", (("red", "circle"),)).draw(400, 300))
    assert isinstance(answer, Answer)
    assert "red circle" in answer.text.lower()


def test_eight_mixed_images_together_answer_as_one_at_a_time(engine):
    prepared = [prepare(engine, image, question, SHORT) for image, question in mixed(8)]
    assert len({one.tensors["input_ids"].shape[1] for one in prepared}) > 1, "so that padding is needed"
    together = engine.generate(prepared)
    alone = [engine.generate([one])[0] for one in prepared]
    assert together == alone


@pytest.mark.parametrize("size", [(130, 900), (1100, 640), (1, 1), (1500, 3)])
def test_an_image_seen_once_and_asked_often_is_as_the_stock_processor_makes_it(engine, size):
    own, stock = engine._processor, engine._processor.own
    image = random_scene(random.Random(5), shapes=2).draw(*size)
    seen = engine.see(image)
    for question in (DESCRIBE, "描述这张图片的内容和颜色", "<|image_pad|>", " "):
        talk = [
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "text", "text": own._cleaner.clean(question)}],
            }
        ]
        text = stock.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
        whole = stock(text=[text], images=[fit(image)], images_kwargs={"size": own.size}, return_tensors="pt")
        parts = engine.prepare([seen], question, SHORT).tensors
        assert set(parts) == set(whole)
        for name, tensor in whole.items():
            assert parts[name].dtype == tensor.dtype
            assert torch.equal(parts[name], tensor), name


@pytest.mark.parametrize(
    "sizes", [[(130, 900), (1100, 640)], [(1, 1), (1500, 3), (1, 1), (300, 200), (64, 640)]]
)
def test_several_images_in_their_order_are_as_the_stock_processor_makes_them(engine, sizes):
    own, stock = engine._processor, engine._processor.own
    rng = random.Random(6)
    images = [random_scene(rng, shapes=2).draw(*size) for size in sizes]
    question = "What differs? <|image_pad|>"
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": own._cleaner.clean(question)}]
    text = stock.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    for ordered in (images, images[::-1]):
        fitting = [fit(image) for image in ordered]
        whole = stock(text=[text], images=fitting, images_kwargs={"size": own.size}, return_tensors="pt")
        parts = prepare(engine, ordered, question, SHORT)
        assert set(parts.tensors) == set(whole)
        for name, tensor in whole.items():
            assert torch.equal(parts.tensors[name], tensor), name
        assert parts.visual_tokens == (whole["input_ids"] == stock.image_token_id).sum()


def test_a_chat_is_as_the_stock_processor_makes_it_each_image_in_its_place(engine):
    own, stock = engine._processor, engine._processor.own
    (red, _), (blue, _), *_ = mixed(3)
    image = {"type": "image"}
    talk: list[dict[str, Any]] = [
        {"role": "system", "content": [{"type": "text", "text": "Be short."}]},
        {"role": "user", "content": [{"type": "text", "text": "First:"}, image, image]},
        {"role": "assistant", "content": [{"type": "text", "text": "Two. <|im_end|>"}]},
        {"role": "user", "content": [image, {"type": "text", "text": "And now?"}]},
    ]
    chat = tuple(
        Turn(role=Role(turn["role"]), parts=tuple(part.get("text") for part in turn["content"]))
        for turn in talk
    )
    talk[2]["content"][0]["text"] = own._cleaner.clean("Two. <|im_end|>")
    text = stock.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
    images = [red, blue, red]
    fitting = [fit(one) for one in images]
    whole = stock(text=[text], images=fitting, images_kwargs={"size": own.size}, return_tensors="pt")
    parts = prepare(engine, images, "not asked", Options(chat=chat)).tensors
    assert set(parts) == set(whole)
    for name, tensor in whole.items():
        assert torch.equal(parts[name], tensor), name


def test_a_chat_of_one_question_is_that_question_also_where_the_answer_has_a_format(engine):
    (red, _), *_ = mixed(1)
    chat = (question_about(1, DESCRIBE),)
    for more in ({}, {"response_format": ResponseFormat(type=FormatType.JSON_OBJECT)}):
        plain = prepare(engine, red, DESCRIBE, Options(**more)).tensors
        asked = prepare(engine, red, "not asked", Options(chat=chat, **more)).tensors
        assert torch.equal(plain["input_ids"], asked["input_ids"])


def test_in_a_static_batch_jobs_with_several_images_answer_as_alone(engine):
    (red, _), (blue, _), *_ = mixed(3)
    prepared = [prepare(engine, some, DESCRIBE, SHORT) for some in ([red, blue], blue, [blue, red, blue])]
    together = engine.generate(prepared)
    assert together == [engine.generate([one])[0] for one in prepared]
    assert together[0].usage.visual_tokens < together[2].usage.visual_tokens


def test_more_images_than_the_model_can_read_at_once_are_refused_and_the_reason_has_the_numbers(engine):
    seen = engine.see(Scene("blue", ()).draw(1000, 1000))
    most = engine._model.config.get_text_config().max_position_embeddings
    each = engine.prepare([seen], DESCRIBE, SHORT).visual_tokens
    engine.prepare([seen] * (most // (each + 2) - 2), DESCRIBE, SHORT)
    with pytest.raises(TooLarge, match=f"nano takes in {most:,} at once. Send .*max_pixels") as refused:
        engine.prepare([seen] * (most // each + 1), DESCRIBE, SHORT)
    assert refused.value.code == "prompt_too_long"


@pytest.mark.parametrize("pixels", [3136, 9800, 19_600])
def test_at_the_pixels_that_are_asked_for_the_tensors_are_those_of_the_stock_processor(engine, pixels):
    stock = engine._processor.own.image_processor
    image = random_scene(random.Random(8), shapes=3).draw(1100, 640)
    whole = stock(images=[image], size={"shortest_edge": pixels, "longest_edge": pixels}, return_tensors="pt")
    seen = engine.see(image, pixels)
    for name, tensor in whole.items():
        assert torch.equal(seen.tensors[name], tensor), name
    tokens = engine.prepare([seen], DESCRIBE, SHORT).visual_tokens
    assert tokens == whole["image_grid_thw"].prod() // 4
    assert pixels / 2 <= 784 * tokens <= pixels


def test_what_is_small_is_read_at_more_pixels_and_not_at_fewer(engine):
    scene = Scene("white", (("purple", "circle"), ("red", "square"), ("blue", "triangle")))
    few, many = (
        engine.generate([engine.prepare([engine.see(scene.draw(600, 400), pixels)], DESCRIBE, SHORT)])[0]
        for pixels in (3136, 19_600)
    )
    assert many.text == scene.description != few.text
    assert (few.usage.read_pixels, many.usage.read_pixels) == (2 * 784, 24 * 784)
    assert many.usage.read_pixels == 784 * many.usage.visual_tokens


@pytest.mark.parametrize(
    ("usual", "most", "takes"),
    [
        (1_048_576, 0, (3136, 19_600, 19_600)),
        (3136, 0, (3136, 3136, 12_544)),
        (4900, 10**9, (3136, 4900, 19_600)),
        (9800, 5000, (3136, 9800, 9800)),
        (784, 784, (784, 784, 784)),
    ],
)
def test_jobs_may_choose_as_far_as_the_settings_and_the_models_own_limit_allow(usual, most, takes):
    made = GridProcessor(Source(str(MODELS_FOLDER / "nano")), usual, most)
    assert (made.max_pixels.least, made.max_pixels.default, made.max_pixels.most) == takes


def test_usage_counts_the_tokens_of_image_and_answer(engine):
    prepared = prepare(engine, Scene("blue", ()).draw(400, 300), DESCRIBE, SHORT)
    (answer,) = engine.generate([prepared])
    placeholders = (prepared.tensors["input_ids"] == engine._processor.own.image_token_id).sum()
    assert answer.usage.visual_tokens == prepared.visual_tokens == placeholders > 0
    assert 0 < answer.usage.output_tokens <= 24


def test_each_job_of_a_batch_keeps_its_own_longest_answer(engine):
    image = Scene("white", (("red", "circle"), ("blue", "square"))).draw()
    limits = (1, 3, 24)
    answers = engine.generate(
        [prepare(engine, image, DESCRIBE, Options(max_new_tokens=limit)) for limit in limits]
    )
    assert [answer.usage.output_tokens for answer in answers[:2]] == [1, 3]
    assert answers[2].text.startswith(answers[1].text)


# Where an answer ends

SHAPES = Scene("white", (("red", "circle"), ("blue", "square"))).draw()


def whole(engine) -> tuple[str, int]:
    """What it says of SHAPES when it may say all, and how many tokens that takes without the end token."""
    answer = ask(engine, SHAPES, options=Options(max_new_tokens=64))
    assert isinstance(answer, Answer)
    assert answer.finish_reason is FinishReason.STOP
    return answer.text, answer.usage.output_tokens


def test_an_answer_that_is_cut_says_so_and_one_that_is_whole_too(engine):
    text, tokens = whole(engine)
    for most, reason in ((1, "length"), (tokens - 1, "length"), (tokens + 1, "stop"), (64, "stop")):
        answer = ask(engine, SHAPES, options=Options(max_new_tokens=most))
        assert isinstance(answer, Answer)
        assert (answer.finish_reason, answer.usage.output_tokens) == (reason, min(most, tokens))
        assert text.startswith(answer.text)
        assert (answer.text == text) is (reason == "stop")


def test_all_words_without_the_end_token_are_not_known_to_be_whole(engine):
    text, tokens = whole(engine)
    answer = ask(engine, SHAPES, options=Options(max_new_tokens=tokens))
    assert isinstance(answer, Answer)
    assert (answer.text, answer.finish_reason) == (text, FinishReason.LENGTH)


def test_those_that_run_longest_in_a_static_batch_say_nothing_of_the_others_ends(engine):
    _, tokens = whole(engine)
    limits = (1, tokens, tokens + 1, 64, 3)
    together = engine.generate(
        [prepare(engine, SHAPES, DESCRIBE, Options(max_new_tokens=most)) for most in limits]
    )
    assert [answer.finish_reason for answer in together] == ["length", "length", "stop", "stop", "length"]


@pytest.mark.parametrize(
    ("row", "tokens", "reason"),
    [
        ([5, 6, 7], [5, 6, 7], "length"),
        ([5, 6, 2], [5, 6], "stop"),
        ([5, 2, 0, 0, 0], [5], "stop"),
        ([5, 3, 2, 2], [5], "stop"),
        ([2], [], "stop"),
        ([2, 5, 6], [], "stop"),
        ([0, 0, 0], [0, 0, 0], "length"),
        ([], [], "length"),
    ],
)
def test_a_row_ends_at_its_first_end_token_and_what_follows_is_padding(row, tokens, reason):
    assert until_end(row, ends={2, 3}) == (tokens, reason)


def test_a_model_without_end_tokens_never_says_that_it_is_done():
    assert until_end([5, 6], ends=frozenset()) == ([5, 6], FinishReason.LENGTH)


def answer_of(engine: TransformersEngine, row: list[int]) -> Answer:
    return engine._conversation.answers.of(Said(row, [-0.5] * len(row), 7, 12))


def test_a_row_that_begins_with_an_end_token_is_no_answer(engine):
    end = next(iter(engine._conversation.ends))
    outcome = answer_of(engine, [end, *engine._processor.tokenizer.encode(" red")])
    failure = outcome.failure()
    assert failure
    assert (failure.code, "Ask in another way" in failure.message) == ("empty_answer", True)
    assert outcome.finish_reason is FinishReason.STOP


def test_an_answer_that_was_cut_before_its_first_word_says_what_would_help(engine):
    outcome = answer_of(engine, engine._processor.tokenizer.encode(" \n "))
    failure = outcome.failure()
    assert failure
    assert (failure.code, "larger max_new_tokens" in failure.message) == ("empty_answer", True)
    assert outcome.finish_reason is FinishReason.LENGTH


def test_a_letter_that_was_cut_in_two_is_left_out(engine):
    tokenizer = engine._processor.tokenizer
    row = tokenizer.encode("red 🦊")
    assert tokenizer.decode(row[:-1]).endswith("\N{REPLACEMENT CHARACTER}"), "so that a letter is cut"
    outcome = answer_of(engine, row[:-1])
    assert (outcome.text, outcome.finish_reason, outcome.failure()) == ("red", FinishReason.LENGTH, None)


def test_a_model_that_puts_an_end_token_after_every_answer_does_not_make_a_cut_one_whole(tmp_path):
    """Some models' files tell `generate` to end with an end token, whatever was said before it."""
    folder = Path(shutil.copytree(MODELS_FOLDER / "nano", tmp_path / "nano"))
    config = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    config["forced_eos_token_id"] = config["eos_token_id"][0]
    (folder / "generation_config.json").write_text(json.dumps(config), encoding="utf-8")
    made = create_engine(card_for(str(folder)), WorkerSettings(dtype="float32", device="cpu"))
    made.load()
    answer = ask(made, SHAPES, options=Options(max_new_tokens=3))
    assert isinstance(answer, Answer)
    assert (answer.finish_reason, answer.usage.output_tokens) == ("length", 3)


# Deadlines


@pytest.mark.parametrize(
    ("row", "is_ended"),
    [
        ([5, 6, 7, 8], True),
        ([5, 6, 7, 8, 9], True),
        ([5, 2], True),
        ([2, 0, 0], True),
        ([5, 6, 7], False),
        ([5], False),
    ],
)
def test_a_row_has_ended_by_an_end_token_or_by_its_own_longest_length(row, is_ended):
    assert has_ended(row, max_new_tokens=4, ends={2, 3}) is is_ended


def test_at_the_deadline_what_has_ended_is_answered_and_the_rest_fails(engine):
    image = Scene("white", (("red", "circle"), ("blue", "square"))).draw()
    batch = [prepare(engine, image, DESCRIBE, Options(max_new_tokens=limit)) for limit in (1, 24)]
    ended, cut = engine.generate(batch, Deadline(timeout_s=0))
    assert ended.usage.output_tokens == 1
    assert cut.code == "deadline_exceeded"


def test_a_deadline_that_is_far_away_changes_no_answer(engine):
    prepared = [prepare(engine, image, question, SHORT) for image, question in mixed(2)]
    assert engine.generate(prepared, Deadline(timeout_s=600)) == engine.generate(prepared)


@pytest.mark.parametrize(
    "token", ["<|image_pad|>", "<|im_end|>", "<|vision_start|>", "<|endoftext|>", "<|im_start|>"]
)
def test_a_control_token_in_a_question_is_only_text(engine, token):
    image = Scene("white", (("green", "square"),)).draw()
    plain = prepare(engine, image, "what", SHORT).tensors["input_ids"]
    hostile = prepare(engine, image, f"what {token}{token}", SHORT).tensors["input_ids"]
    number = engine._processor.tokenizer.convert_tokens_to_ids(token)
    assert (hostile == number).sum() == (plain == number).sum()
    outcome = ask(engine, image, f"{token} {DESCRIBE}")
    assert isinstance(outcome, Answer)
    assert outcome.failure() is None


@pytest.mark.parametrize("size", [(1, 1), (1, 1900), (1900, 1), (27, 27), (3000, 14)])
def test_images_of_any_shape_are_answered(engine, size):
    outcome = ask(engine, Image.new("RGB", size, "red"), options=Options(max_new_tokens=4))
    assert isinstance(outcome, Answer)
    failure = outcome.failure()
    assert failure is None or failure.code == "empty_answer"


@pytest.mark.parametrize("size", [(1, 4000), (200_000, 1), (7, 2500)])
def test_an_image_of_which_nothing_would_be_left_is_refused_before_anything_is_made_of_it(engine, size):
    with pytest.raises(TooLarge, match="Cut it into parts") as refused:
        engine.see(Image.new("RGB", size, "red"))
    assert refused.value.code == "image_too_thin"


def test_a_long_image_is_made_no_larger_than_the_model_looks_at(engine):
    seen = engine.see(Image.new("RGB", (40_000, 200), "red"))
    assert seen.tensors["pixel_values"].numel() <= 3 * 2 * 28 * 2000


def test_a_thin_image_is_padded_with_white_and_others_are_left_alone():
    assert fit(Image.new("RGB", (3800, 1))).size == (3800, 20)
    image = Image.new("RGB", (190, 1))
    assert fit(image) is image


def test_a_models_own_pixel_limit_is_never_raised(engine):
    own = engine._processor.own.image_processor.size["longest_edge"]
    assert engine._processor.size["longest_edge"] == own < WorkerSettings().max_pixels


def test_max_pixels_lowers_the_limit():
    small = create_engine(NANO, WorkerSettings(max_pixels=28 * 28 * 4, device="cpu"))
    small.load()
    assert prepare(small, Image.new("RGB", (800, 600)), DESCRIBE, SHORT).visual_tokens <= 4


def test_what_is_chosen_on_a_cpu(engine):
    assert engine.device == "cpu"
    assert engine._model.dtype is torch.float32
    assert engine.default_slots == 12


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("/no/such/model", WorkerSettings(device="cpu"), "Tried: /no/such/model"),
        ("nano", WorkerSettings(device="cuda:3"), "EVA01_DEVICE=auto"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_what_was_tried_and_the_remedy(model, settings, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelNotLoaded) as caught:
        create_engine(card_for(model), settings).load()
    assert said in str(caught.value)
    assert "Remedy: " in str(caught.value)
    assert "\n" not in str(caught.value)
