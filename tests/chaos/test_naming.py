"""Patterns of keys and paths, and whether the ids in them exist."""

import pytest

from jobs.contract import names
from tests.chaos.check import Records
from tests.chaos.naming import key_shapes, path_shapes

RECORDS = Records(models={"nano"}, batches={"b1"}, jobs={"j1"}, images={"f00"})


@pytest.mark.parametrize(
    "key",
    [
        names.WORKERS,
        names.bulk_queue("nano"),
        names.job_key("j1"),
        names.batch_key("b1"),
        names.batch_state_key("b1", "queued"),
        names.batch_changes_key("b1"),
        names.batch_timeline_key("b1"),
        names.STARTS,
        names.image_uses_key("f00"),
        names.image_answers_key("f00"),
        names.idempotency_key("digest"),
        "_kombu.binding.celery",
    ],
)
def test_a_key_of_what_is_there_is_explained(key):
    assert RECORDS.explain(key_shapes(names).parts(key))


@pytest.mark.parametrize(
    "key",
    [
        names.bulk_queue("ocr"),
        names.job_key("j2"),
        names.batch_key("b2"),
        names.batch_state_key("b2", "queued"),
        names.batch_changes_key("b2"),
        names.image_uses_key("beef"),
        names.image_answers_key("beef"),
        "eva01:batch:b1:unheard_of",
        "unacked",
    ],
)
def test_a_key_of_what_is_not_there_is_an_orphan(key):
    assert not RECORDS.explain(key_shapes(names).parts(key))


@pytest.mark.parametrize(
    ("path", "is_explained"),
    [
        (names.image_path("f00"), True),
        (names.image_path("beef"), False),
        (names.thumbnail_path("f00"), True),
        (names.thumbnail_path("beef"), False),
        (names.thumbnail_path("f00", 2), True),
        (names.thumbnail_path("beef", 2), False),
        (names.batch_path("b1"), True),
        (names.batch_path("b2"), False),
        (names.manifest_path("b1", "part"), True),
        (names.manifest_path(None, "part"), True),
        (names.answer_path("b1", "j1"), True),
        (names.answer_path("b1", "j2"), False),
        (names.answer_path(None, "j1"), True),
        (names.logprobs_path("b1", "j1"), True),
        (names.logprobs_path(None, "j2"), False),
        ("images/f00/more", False),
        ("elsewhere/f00", False),
    ],
)
def test_an_object_of_what_is_not_there_is_an_orphan(path, is_explained):
    assert RECORDS.explain(path_shapes(names).parts(path)) is is_explained
