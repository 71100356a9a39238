"""The transformers engine with models of many families, in miniature and with random weights."""

import random
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from PIL import Image

from jobs.contract.asking.chat import question_about
from jobs.contract.catalog import card_for
from jobs.contract.errors import EngineFailure, TooLarge
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from scripts.families import KNOWN, makers, row, rows_of_page
from tests.families import FAMILIES
from tests.files.drawing import random_scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import Answer, ModelNotLoaded
from worker.engines.layers import PackedLinear, PatchLinear
from worker.engines.rolling.setup import why_static
from worker.engines.seeing.any_processor import AnyProcessor
from worker.engines.seeing.processors import SeenImage
from worker.engines.weights.remedies import TORCHVISION
from worker.engines.weights.source import Source

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # In transformers' own Pillow processors, by which GLM-4V's grids become tensors.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

#: Those that load where there is no torchvision.
THERE = [name for name in FAMILIES if name != "lfm2_vl"]
#: Of these two, whose eye is a large one, one image is enough.
READERS = ("got_ocr2", "deepseek_ocr2")
SIZES = ((97, 140), (640, 300), (200, 200))


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """The folder of a family, made when one is first asked for."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = makers()[name](tmp_path_factory.mktemp("models") / name)
        return made[name]

    return of


@pytest.fixture(scope="module")
def loaded(folder_of):
    """A family's engine, loaded, once for the same settings."""
    made: dict[Any, Any] = {}

    def load(name: str, **settings: Any) -> Any:
        key = name, *settings.items()
        if key not in made:
            card = card_for(str(folder_of(name)))
            engine = create_engine(card, WorkerSettings(device="cpu", **settings))
            engine.load()
            made[key] = engine
        return made[key]

    return load


def scene(width: int, height: int) -> Image.Image:
    return random_scene(random.Random(width), shapes=2).draw(width, height)


def asked(engine: Any, images: Any, question: str = "what is this", tokens: int = 6) -> Any:
    return prepare(engine, images, question, Options(max_new_tokens=tokens))


@pytest.mark.parametrize("family", THERE)
def test_a_batch_answers_as_one_at_a_time_and_counts_what_is_made(loaded, family):
    engine = loaded(family)
    sizes = SIZES[:2] if family in READERS else SIZES
    jobs = [asked(engine, scene(*size), "what is this " * n) for n, size in enumerate(sizes, 1)]
    answers = engine.generate(jobs)
    assert engine.max_batch > 1
    assert [*map(said, answers)] == [said(engine.generate([job])[0]) for job in jobs]
    assert any(answer.text for answer in answers)
    for job, answer in zip(jobs, answers, strict=True):
        assert 0 < answer.usage.visual_tokens <= job.visual_tokens


def said(answer: Answer) -> Any:
    return answer.text, answer.finish_reason, answer.usage


@pytest.mark.parametrize("family", ["idefics3", "gemma3", "qwen3_vl"])
def test_slots_prepare_jobs_at_the_same_time_as_one_after_the_other(loaded, family):
    engine = loaded(family)
    wishes = [(scene(40 + 30 * n, 250 - 20 * n), "what " * n) for n in range(1, 10)]
    apart = [asked(engine, *wish).tensors for wish in wishes]
    with ThreadPoolExecutor(8) as slots:
        together = [*slots.map(lambda wish: asked(engine, *wish).tensors, wishes * 2)]
    for one, other in zip(apart * 2, together, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("family", ["idefics3", "internvl", "llava_next", "mllama", "gemma3"])
def test_jobs_about_several_images_and_about_one_are_answered_together(loaded, family):
    engine = loaded(family)
    jobs = [asked(engine, images) for images in ([scene(97, 140), scene(300, 80)], scene(200, 200))]
    assert [*map(said, engine.generate(jobs))] == [said(engine.generate([job])[0]) for job in jobs]


# What differs between families


def test_weights_that_a_model_reads_are_there_on_a_cpu(loaded):
    engine = loaded("gemma4")
    engine.generate([asked(engine, scene(97, 140))])
    packed = [layer for layer in engine._model.modules() if isinstance(layer, PackedLinear)]
    assert 0 < sum(layer._packed is None for layer in packed) < len(packed) / 2


def test_a_family_without_sdpa_gets_another_attention(loaded):
    assert loaded("got_ocr2")._model.config._attn_implementation == "eager"


def test_all_that_a_model_sees_is_in_its_number_format(loaded):
    engine = loaded("deepseek_ocr2", dtype="bfloat16", max_pixels=200_000)
    job = asked(engine, scene(900, 220), tokens=2)
    assert {name for name in job.tensors if job.tensors[name].is_floating_point()} > {"pixel_values"}
    assert isinstance(engine.generate([job])[0], Answer)


def test_where_an_encoder_reads_the_prompt_nothing_of_the_answer_is_cut(loaded):
    engine = loaded("t5gemma2")
    short, long = (asked(engine, scene(200, 200), "what " * words) for words in (1, 60))
    for answer in engine.generate([short, long]):
        assert answer.usage.output_tokens == 6


def test_a_prompt_that_is_longer_than_the_model_has_learned_to_read_is_refused_ahead_of_the_device(loaded):
    engine = loaded("idefics3")
    with pytest.raises(
        TooLarge, match=r"take 4,\d+ tokens, and idefics3 takes in 4,096.* ask in fewer words\.$"
    ) as refused:
        asked(engine, scene(97, 140), "what " * 4096)
    assert refused.value.code == "prompt_too_long"


def test_what_a_processor_fails_on_fails_with_its_reason(loaded):
    engine = loaded("idefics3")
    with pytest.raises(EngineFailure, match="The model's own processor failed on it: "):
        # Some do on images of odd shapes.
        engine.prepare([SeenImage(image=cast("Image.Image", object()))], "?", Options())


# Without torchvision


def test_a_processor_has_no_part_for_videos_where_those_need_torchvision(loaded):
    processor = loaded("internvl")._processor.own
    assert type(processor.video_processor).__name__ == "_NoVideos"
    assert type(processor.image_processor).__name__ == "GotOcr2ImageProcessorPil"


def test_a_family_that_needs_torchvision_says_which(loaded):
    with pytest.raises(
        ModelNotLoaded, match="Remedy: its processor needs torchvision: pip install "
    ) as refused:
        loaded("lfm2_vl")
    assert TORCHVISION in str(refused.value)
    own = ConfigParser()
    own.read(Path(__file__).parents[3] / "setup.cfg")
    extras = own["options.extras_require"]
    assert extras["torchvision"].split() == [TORCHVISION]


# What an image costs


def test_a_small_image_costs_what_is_made_of_it(loaded):
    """Idefics3 makes as many tiles of an icon as of a photograph."""
    engine = loaded("idefics3")
    icon, photo = (asked(engine, scene(*size)) for size in ((64, 64), (1600, 1600)))
    assert icon.visual_tokens == photo.visual_tokens
    assert engine.generate([icon])[0].usage.visual_tokens == 17 * 4


def test_a_limit_of_pixels_is_one_of_tiles_too(loaded):
    tiles: dict[str, list[int]] = {"idefics3": [], "internvl": []}
    for family, counts in tiles.items():
        for most in (4_000, 12_000, 1_048_576):
            job = asked(loaded(family, max_pixels=most), scene(900, 900))
            counts.append(job.tensors["pixel_values"].flatten(0, -4).shape[0])
    assert tiles["idefics3"] == [1, 5, 17]
    assert tiles["internvl"] == [1, 5, 10]


def test_a_limit_of_pixels_goes_before_what_a_processor_says_of_tiles(loaded):
    """DeepSeek-OCR-2's has a count of tiles beside that of its image processor."""
    jobs = [asked(loaded("deepseek_ocr2", max_pixels=most), scene(3000, 2000)) for most in (100_000, 4 << 20)]
    least, most = (job.visual_tokens for job in jobs)
    assert least < most / 1.8


# What is said of them


@pytest.mark.parametrize("family", KNOWN)
def test_the_page_of_models_says_what_each_does(loaded, folder_of, family):
    try:
        engine = loaded(family)
    except ModelNotLoaded as error:
        engine = error
    assert row(family, engine) in rows_of_page()


def test_a_family_that_does_not_roll_answers_in_static_batches_and_says_why(loaded):
    engine = loaded("mllama")
    assert engine.rolling is None
    assert dict(engine.about)["batches"] == "static: there is no rolling batch for the family mllama"


def test_keys_of_another_width_than_the_settings_say_are_kept_as_generate_keeps_them(loaded, monkeypatch):
    model = loaded("glm4v")._model
    assert why_static(model, WorkerSettings()) is None
    monkeypatch.setattr(model.config.get_text_config(), "head_dim", 12, raising=False)
    why = "its keys are 16 numbers wide, where its config.json says 12"
    assert why_static(model, WorkerSettings()) == why


@pytest.mark.parametrize("family", ["qwen3_vl", "qwen3_vl_moe", "qwen3_5", "glm4v"])
def test_families_of_grids_are_prepared_whole_and_as_their_own_processors_do(loaded, folder_of, family):
    engine, own = loaded(family), AnyProcessor(Source(str(folder_of(family))), WorkerSettings().max_pixels)
    images = [scene(97, 140), scene(640, 300)]
    turns = [question_about(len(images), "what is <|image_pad|> <|image|> this")]
    ours = engine._processor.prepare([engine.see(image) for image in images], turns, 6).tensors
    theirs = own.prepare([own.see(image) for image in images], turns, 6).tensors
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert any(isinstance(layer, PatchLinear) for layer in engine._model.modules())


@pytest.mark.parametrize(("family", "side_px"), [("qwen3_vl", 32), ("glm4v", 28)])
def test_of_a_family_of_grids_one_chooses_how_many_pixels_it_sees(loaded, family, side_px):
    engine, per_token = loaded(family), side_px**2
    assert engine.max_pixels
    assert (engine.max_pixels.least, engine._processor.pixels_per_token) == (4 * per_token, per_token)
    for pixels in (20_000, 100_000, engine.max_pixels.default):
        seen = engine.see(scene(3000, 2000), pixels)
        tokens = engine.prepare([seen], "?", Options()).visual_tokens
        assert 0.6 * pixels < tokens * per_token <= pixels
