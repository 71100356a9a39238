"""A job about several images: each of them is its own, wherever in its order it stands."""

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Look, Note, Result
from jobs.upkeep.adopt import Adoption
from jobs.upkeep.restore import Restore, Restored
from tests.backend import MODEL, RECIPE, Backend, sha256_of

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"
FILES = ("front, left.png", "back.png", "top.tif")
LOOKS = (Look(width=3, height=4), Look(width=5, height=6, notes=(Note.FIRST_PAGE,)), Look(pages=2))


def about_all(backend: Backend, batch: Batch | None, file: str = "views", owner: str | None = None) -> Job:
    """A job about red, green and blue."""
    types = ("image/png", "image/jpeg", "image/tiff")
    return backend.add(batch, RED, file, owner, others=(GREEN, BLUE), files=FILES, media_types=types)


def deleted(backend: Backend, batch: Batch) -> set[str]:
    flow.delete_batch(backend.stores, batch.id)
    backend.remove_all()
    return backend.images()


def test_each_image_stays_as_long_as_the_job_and_goes_with_it(backend):
    single, several = backend.batch(RED), backend.batch()
    about_all(backend, several)
    backend.answer_all()
    everything = {sha256_of(one) for one in (RED, GREEN, BLUE)}
    assert deleted(backend, single) == everything, "also those at its second and third place"
    assert deleted(backend, several) == set()
    backend.assert_empty()


def test_an_image_that_is_another_jobs_as_well_stays_until_that_is_gone(backend):
    several, second = backend.batch(), backend.batch(GREEN)
    about_all(backend, several)
    backend.answer_all()
    assert deleted(backend, several) == {sha256_of(GREEN)}
    deleted(backend, second)
    backend.assert_empty()


def test_an_image_that_stands_twice_in_a_job_goes_with_it(backend):
    batch = backend.batch()
    backend.add(batch, RED, others=(RED,), files=("a.png", "copy of a.png"))
    backend.answer_all()
    assert deleted(backend, batch) == set()
    backend.assert_empty()


def test_a_restore_brings_back_all_images_their_names_and_what_each_was_found_to_be(backend):
    batch = backend.batch()
    answered = about_all(backend, batch)
    backend.take()
    result = Result(answer="Two differ.", width=3, height=4, notes=(Note.FIRST_PAGE,), looks=LOOKS)
    backend.store.finish(answered.id, result, recipe=RECIPE)
    backend.journal.note_result(backend.store.get_job(answered.id))
    waiting = backend.add(batch, BLUE, "others", others=(RED,), files=("a", "b"))
    before = [*backend.store.results(batch.id)]
    assert (before[0].files, before[0].looks) == (FILES, LOOKS)
    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert restored == Restored(batches=1, finished=1, queued=1)
    after = [*backend.store.results(batch.id)]
    assert [(job.id, job.images, job.files, job.looks) for job in after] == [
        (answered.id, answered.images, FILES, LOOKS),
        (waiting.id, waiting.images, ("a", "b"), ()),
    ]
    assert backend.store.known_answer(answered.images, RECIPE) is not None
    backend.answer_all()
    assert deleted(backend, batch) == set()


def test_what_was_nobodys_is_an_owners_with_every_image(backend):
    batch, single = backend.batch(), about_all(backend, None)
    about_all(backend, batch)
    *_, _ = Adoption(backend.stores, "anna").run()
    for content in (RED, GREEN, BLUE):
        sha256 = sha256_of(content)
        assert backend.client.zcard(names.owned_image_uses_key(sha256)) == 2
        assert not backend.client.exists(names.image_uses_key(sha256))
    assert backend.store.get_job(single.id).files == FILES
    backend.answer_all()
    backend.journal.forget_jobs([single.id])
    backend.store.remove_job(single.id)
    assert deleted(backend, batch) == set()


def test_each_image_is_known_by_its_own_kind_and_not_by_the_first_ones(backend):
    about_all(backend, None, owner="anna")
    kinds = [backend.image_uses.kind(sha256_of(one), {"anna"}) for one in (RED, GREEN, BLUE)]
    assert [kind and kind.media_type for kind in kinds] == ["image/png", "image/jpeg", "image/tiff"]
    alone = backend.add(None, BLUE, owner="anna", media_types=("image/tiff",), pages=3)
    assert backend.image_uses.kind(sha256_of(BLUE), {"anna"}).pages == 3
    backend.store.remove_job(alone.id)
    assert backend.image_uses.kind(sha256_of(BLUE), {"anna"}).pages is None


def test_an_image_whose_kind_nobody_noted_is_of_none(backend):
    backend.add(None, RED, others=(GREEN,), media_types=("image/png",))
    assert backend.image_uses.kind(sha256_of(RED), {None}).media_type == "image/png"
    assert backend.image_uses.kind(sha256_of(GREEN), {None}) is None


def test_the_same_images_in_another_order_are_another_job_and_in_the_same_order_the_same(backend):
    batch = backend.batch()
    first = backend.add(batch, RED, "views", others=(GREEN,))
    assert backend.add(batch, RED, "views", others=(GREEN,)).id == first.id
    turned = backend.add(batch, GREEN, "views", others=(RED,))
    assert turned.id != first.id
    assert turned.images == first.images[::-1]


def test_a_refused_file_that_is_taken_after_all_has_all_its_images_and_names(backend):
    batch = backend.batch()
    error = JobError(code="too_many_pixels", message="It was too large.")
    asked = {"file": "views", "question": "q", "model": MODEL, "batch_id": batch.id}
    digest = ",".join(map(sha256_of, (RED, GREEN, BLUE)))
    refused = Job(**asked, state=JobState.FAILED, is_refused=True, error=error, refused_sha256=digest)
    backend.store.create_job(refused)
    taken = about_all(backend, batch)
    stored = backend.store.get_job(refused.id)
    assert (taken.id, stored.state, stored.files) == (refused.id, JobState.QUEUED, FILES)
    assert stored.images == tuple(map(sha256_of, (RED, GREEN, BLUE)))
