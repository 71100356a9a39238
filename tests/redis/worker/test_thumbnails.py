"""Thumbnails on a real server and real files: made once, and gone with their image, whoever is faster."""

from io import BytesIO

import pytest
from PIL import Image

from jobs.contract import names
from tests.house import House, sha256_of
from worker.job.thumbnails import Thumbnails, encoded

pytestmark = pytest.mark.redis

CONTENT = b"an image"
PATH = names.thumbnail_path(sha256_of(CONTENT))
PICTURE = Image.new("RGB", (800, 600), "red")


@pytest.fixture
def house(redis_url, redis_client, tmp_path) -> House:
    return House(redis_client, tmp_path / "blobs")


def thumbnails(house: House, longest_px: int = 320) -> Thumbnails:
    return Thumbnails(house.blobs, house.image_uses, longest_px)


@pytest.mark.parametrize(
    ("size", "small"),
    [((800, 600), (320, 240)), ((600, 800), (240, 320)), ((20, 10), (20, 10)), ((9000, 3), (320, 1))],
)
def test_a_thumbnail_keeps_the_shape_and_is_never_larger(size, small):
    with Image.open(BytesIO(encoded(Image.new("RGB", size, "red"), 320))) as image:
        assert (image.format, image.size) == ("WEBP", small)


def test_a_thumbnail_goes_with_its_image(house):
    batch = house.batch(CONTENT)
    thumbnails(house).keep(sha256_of(CONTENT), PICTURE)
    assert house.blobs.has(PATH)
    house.answer_all()
    house.store.mark_removed(batch.id)
    house.remove_all()
    house.assert_empty()


def test_it_stays_while_another_job_uses_the_image(house):
    batch, _ = house.batch(CONTENT), house.add(None, CONTENT)
    thumbnails(house).keep(sha256_of(CONTENT), PICTURE)
    house.answer_all()
    house.store.mark_removed(batch.id)
    house.remove_all()
    assert house.blobs.has(PATH)


def test_one_that_a_slow_worker_makes_of_a_deleted_image_goes_too(house):
    job = house.add(None, CONTENT)
    house.answer_all()
    house.store.remove_job(job.id)
    house.journal.forget_jobs([job.id])
    house.remove_all()
    assert house.images() == set()
    thumbnails(house).keep(job.image, PICTURE)
    assert house.blobs.has(PATH)
    house.remove_all()
    house.assert_empty()


def test_it_is_made_once(house):
    house.batch(CONTENT)
    house.blobs.put(PATH, b"made before")
    thumbnails(house).keep(sha256_of(CONTENT), PICTURE)
    assert house.blobs.get(PATH) == b"made before"


def test_none_is_made_when_none_is_wanted(house):
    house.batch(CONTENT)
    thumbnails(house, 0).keep(sha256_of(CONTENT), PICTURE)
    assert not house.blobs.has(PATH)
