"""Images that are scaled and cut on a device: to the bit as a processor makes them by Pillow."""

import random
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from jobs.contract.catalog import NANO
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.files.drawing import random_scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.company import Company
from worker.engines.seeing import bicubic

ASKED = ("Describe this image.", "How many shapes are there?")
SHORT = Options(max_new_tokens=24)


def loaded(**settings):
    engine = create_engine(NANO, WorkerSettings(dtype="float32", device="cpu", **settings))
    engine.load()
    return engine


@pytest.fixture(scope="module")
def by_pillow():
    return loaded()


@pytest.fixture(scope="module")
def on_device():
    return loaded(preprocessing="device")


@pytest.fixture(autouse=True)
def one_thread():
    """Threads would wait for one another where others have the cores, over sums that are small."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


def scenes(count: int) -> list[Image.Image]:
    """Drawn scenes of mixed sizes, every other one as it comes out of a JPEG."""
    rng = random.Random(19)
    images = []
    for number in range(count):
        image = random_scene(rng, shapes=1 + number % 3).draw(rng.randint(30, 260), rng.randint(30, 200))
        if number % 2:
            file = BytesIO()
            image.save(file, "JPEG", quality=rng.randint(40, 95))
            image = Image.open(file).convert("RGB")
        images.append(image)
    return images


def rolled(engine, prepared) -> list[str]:
    rolling = engine.rolling
    requests = [rolling.request(one, company=Company.INNOCENTS, is_interactive=False) for one in prepared]
    for request in requests:
        rolling.submit(request)
    ended: dict[int, str] = {}
    while not rolling.is_idle:
        ended |= {id(one.request): one.outcome.text for one in rolling.turn()}
    return [ended[id(request)] for request in requests]


def test_scaling_is_pillows_to_the_bit_whichever_direction_goes_first():
    noise = np.random.default_rng(19)
    for _ in range(100):
        high, wide, new_high, new_wide = (int(side) for side in np.exp(noise.uniform(0, 5.5, 4)))
        # Black and white alone go furthest beyond what a byte can hold.
        colors = 255 * noise.integers(0, 2, (high, wide, 3), dtype=np.uint8)
        wanted = Image.fromarray(colors).resize((new_wide, new_high), Image.Resampling.BICUBIC)
        made = bicubic.scaled(torch.from_numpy(colors), (new_high, new_wide))
        assert np.array_equal(made.numpy(), np.asarray(wanted)), (high, wide, new_high, new_wide)


def test_patches_of_mixed_scenes_are_those_of_the_models_own_processor(by_pillow, on_device):
    for number, image in enumerate(scenes(36)):
        most = 6272 if number % 3 == 0 else None
        wanted, uncut = by_pillow.see(image, most).tensors, on_device.see(image, most).tensors
        assert torch.equal(uncut["image_grid_thw"], wanted["image_grid_thw"])
        assert uncut["colors"].dtype is torch.uint8
        made = on_device._processor.cutter.patches(uncut)
        assert torch.equal(made, wanted["pixel_values"]), (image.size, most)


def test_answers_are_the_same_from_the_rolling_batch_and_from_static_ones(by_pillow, on_device):
    images = scenes(6)
    jobs: list[Image.Image | list[Image.Image]] = [*images, images[:2], images[3:]]
    prepared = [
        [prepare(engine, job, ASKED[number % 2], SHORT) for number, job in enumerate(jobs)]
        for engine in (by_pillow, on_device)
    ]
    assert [one.visual_tokens for one in prepared[0]] == [one.visual_tokens for one in prepared[1]]
    assert rolled(by_pillow, prepared[0]) == rolled(on_device, prepared[1])
    assert by_pillow.generate(prepared[0][:3]) == on_device.generate(prepared[1][:3])
    assert by_pillow.identity == on_device.identity


def test_it_says_where_images_are_cut(by_pillow, on_device):
    assert "by Pillow" in dict(by_pillow.about)["patches"]
    assert "on the device" in dict(on_device.about)["patches"]


def test_a_processor_that_makes_something_else_of_images_keeps_its_way(on_device, monkeypatch):
    own = on_device._processor.own.image_processor
    monkeypatch.setattr(own, "resample", Image.Resampling.BILINEAR)
    assert not on_device._processor.cutter.is_exact()
