"""Thumbnails on a real server and real files: made once, and deleted with their image, in either order."""

from io import BytesIO

import pytest
from PIL import Image

from jobs.contract import names
from tests.backend import Backend, sha256_of
from worker.job.thumbnails import Thumbnails, encoded

pytestmark = pytest.mark.redis

CONTENT = b"an image"
PATH = names.thumbnail_path(sha256_of(CONTENT))
PICTURE = Image.new("RGB", (800, 600), "red")


def thumbnails(backend: Backend, longest_px: int = 320) -> Thumbnails:
    return Thumbnails(backend.blobs, backend.image_uses, longest_px)


@pytest.mark.parametrize(
    ("size", "small"),
    [((800, 600), (320, 240)), ((600, 800), (240, 320)), ((20, 10), (20, 10)), ((9000, 3), (320, 1))],
)
def test_a_thumbnail_keeps_the_shape_and_is_never_larger(size, small):
    with Image.open(BytesIO(encoded(Image.new("RGB", size, "red"), 320))) as image:
        assert (image.format, image.size) == ("WEBP", small)


@pytest.mark.parametrize(
    ("media_type", "longest"), [("image/jpeg", 32), ("image/tiff", 64), ("image/heic", 64), (None, 32)]
)
def test_it_is_larger_where_it_stands_in_for_what_browsers_do_not_show(backend, media_type, longest):
    backend.batch(CONTENT)
    made = Thumbnails(backend.blobs, backend.image_uses, 32, 64)
    made.keep(sha256_of(CONTENT), 1, Image.new("RGB", (100, 80)), media_type)
    with Image.open(BytesIO(backend.blobs.get(PATH))) as small:
        assert small.width == longest


def test_those_of_all_pages_go_with_their_image(backend):
    batch = backend.batch(CONTENT)
    for number in (1, 2, 11):
        thumbnails(backend).keep(sha256_of(CONTENT), number, PICTURE)
        assert backend.blobs.has(names.thumbnail_path(sha256_of(CONTENT), number))
    backend.answer_all()
    backend.store.mark_removed(batch.id)
    backend.remove_all()
    backend.assert_empty()


def test_a_thumbnail_goes_with_its_image(backend):
    batch = backend.batch(CONTENT)
    thumbnails(backend).keep(sha256_of(CONTENT), 1, PICTURE)
    assert backend.blobs.has(PATH)
    backend.answer_all()
    backend.store.mark_removed(batch.id)
    backend.remove_all()
    backend.assert_empty()


def test_it_stays_while_another_job_uses_the_image(backend):
    batch, _ = backend.batch(CONTENT), backend.add(None, CONTENT)
    thumbnails(backend).keep(sha256_of(CONTENT), 1, PICTURE)
    backend.answer_all()
    backend.store.mark_removed(batch.id)
    backend.remove_all()
    assert backend.blobs.has(PATH)


def test_one_that_a_slow_worker_makes_of_a_deleted_image_goes_too(backend):
    job = backend.add(None, CONTENT)
    backend.answer_all()
    backend.store.remove_job(job.id)
    backend.journal.forget_jobs([job.id])
    backend.remove_all()
    assert backend.images() == set()
    thumbnails(backend).keep(job.image, 1, PICTURE)
    assert backend.blobs.has(PATH)
    backend.remove_all()
    backend.assert_empty()


def test_it_is_made_once(backend):
    backend.batch(CONTENT)
    backend.blobs.put(PATH, b"made before")
    thumbnails(backend).keep(sha256_of(CONTENT), 1, PICTURE)
    assert backend.blobs.get(PATH) == b"made before"


def test_none_is_made_when_none_is_wanted(backend):
    backend.batch(CONTENT)
    thumbnails(backend, 0).keep(sha256_of(CONTENT), 1, PICTURE)
    assert not backend.blobs.has(PATH)
