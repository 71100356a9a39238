"""The transformers engine with a model of another family: a LLaVA in miniature, with random weights."""

import random

import pytest

from jobs.contract.catalog import card_for
from jobs.contract.errors import TooLarge
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.families.folder import change
from tests.families.miniatures import PATCH, PIXELS, save_llava
from tests.files.drawing import random_scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = save_llava(tmp_path_factory.mktemp("models") / "tiny-llava")
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
    with pytest.raises(TooLarge, match=r"2,048 at once.* lower MAX_PIXELS of the worker\.$") as refused:
        prepare(engine, [image] * 200, "what?", Options(max_new_tokens=1))
    assert refused.value.code == "prompt_too_long"


def test_an_answer_goes_no_further_than_the_model_has_learned_to_read(engine):
    image, most = random_scene(random.Random(4)).draw(100, 100), 2048
    short, long = (prepare(engine, image, "what " * words, Options(max_new_tokens=40)) for words in (1, 1995))
    answers = engine.generate([short, long])
    assert answers == [engine.generate([one])[0] for one in (short, long)]
    cut = answers[1]
    assert cut.finish_reason == "length"
    assert cut.usage.output_tokens == most - cut.usage.prompt_tokens + 1 < 40


def test_its_images_are_scaled_down_to_the_limit(engine):
    scene = random_scene(random.Random(3))
    small = create_engine(card_for(engine._source.address), WorkerSettings(device="cpu", max_pixels=50_000))
    small.load()
    image = small.see(scene.draw(1000, 500)).image
    assert abs(image.width * image.height - 50_000) < 500


def test_it_answers_in_a_rolling_batch_and_says_what_a_token_takes(engine):
    about = dict(engine.about)
    assert about["batches"].startswith("rolling: up to 9 jobs at once")
    assert about["a job"].endswith("of its images and its question, and 512 of its answer")


@pytest.mark.parametrize("more", [0, 2])
def test_settings_by_which_an_image_has_fewer_or_more_places_than_tokens_are_refused(tmp_path, more):
    folder = save_llava(tmp_path / "llava")
    change(folder, "processor_config", num_additional_image_tokens=more)
    with pytest.raises(ModelNotLoaded) as refused:
        create_engine(card_for(str(folder)), WorkerSettings(device="cpu")).load()
    assert f"sees 16 tokens in the images, and its processor made {15 + more} places" in str(refused.value)
    assert "Remedy: get the folder anew: its settings" in str(refused.value)


def test_settings_by_which_no_answer_can_be_given_are_refused(tmp_path):
    folder = save_llava(tmp_path / "llava")
    change(folder, "generation_config", bad_words_ids=[[1_000_000]])
    with pytest.raises(ModelNotLoaded, match="cannot answer a question about an image"):
        create_engine(card_for(str(folder)), WorkerSettings(device="cpu")).load()
