"""Records: a job's hash in Redis gives the same job back, and the same row of an export."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.contract.asking.fields import AnswerField, FieldType, format_of
from jobs.contract.models import Job, JobError, JobState, Look, Note, Options, Usage, made_at, new_id
from jobs.storage.store.records import SHARED, Record, Shared, job_from, job_record
from jobs.storage.store.rows import ROW_FIELDS, row_from

SHA = st.text("0123456789abcdef", min_size=64, max_size=64)
TEXT = st.text(max_size=20)
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
FORMATS = st.sampled_from(
    [
        None,
        *({"type": "json_object"}, format_of([AnswerField(name="总额", type=FieldType.NUMBER)]).model_dump()),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
).map(json.dumps)
LOOKS = st.builds(Look, width=st.none() | st.integers(1, 99), notes=st.just(()) | st.just((Note.FIRST_PAGE,)))
JOBS = st.builds(
    Job,
    id=st.builds(new_id),
    batch_id=st.none() | st.builds(new_id),
    file=TEXT,
    question=TEXT,
    model=st.just("nano"),
    options=st.builds(
        Options,
        max_new_tokens=st.none() | st.integers(1, 99),
        response_format=FORMATS,
        top_logprobs=st.none() | st.integers(0, 20),
        temperature=st.none() | st.floats(0, 2),
        seed=st.none() | st.integers(-(2**63), 2**63 - 1),
        stop=st.none() | st.tuples(TEXT.filter(bool)),
    ),
    images=st.tuples(SHA) | st.tuples(SHA, SHA),
    media_types=st.just(()) | st.just(("image/png",)),
    files=st.just(()) | st.tuples(TEXT) | st.tuples(TEXT, TEXT),
    page=st.none() | st.integers(1, 9),
    pages=st.none() | st.integers(1, 9),
    counts_as=st.none() | st.integers(1, 9),
    looks=st.just(()) | st.tuples(LOOKS) | st.tuples(LOOKS, LOOKS),
    state=st.sampled_from(JobState),
    answer=st.none() | TEXT | JSON,
    confidence=st.none() | st.floats(0, 1),
    field_confidence=st.none() | st.dictionaries(TEXT, st.floats(0, 1), max_size=2),
    error=st.none() | st.builds(JobError, code=TEXT, message=TEXT),
    lines=st.none() | TEXT,
    width=st.none() | st.integers(1, 99),
    height=st.none() | st.integers(1, 99),
    usage=st.none()
    | st.builds(Usage, visual_tokens=st.integers(0, 9), confidence=st.none() | st.floats(0, 1)),
    cached=st.booleans(),
    hears_pieces=st.booleans(),
    attempts=st.integers(0, 3),
    crashes=st.integers(0, 3),
    started_at=st.none() | TIMES,
    finished_at=st.none() | TIMES,
    queued_at=st.none() | TIMES,
)


def row_of(job: Job, record: Record, shared: Shared = (None, None, None)) -> dict[str, Any]:
    """The row that an export makes of a record."""
    return row_from(job.id, [record.get(field) for field in ROW_FIELDS], shared)


def shown(job: Job) -> dict[str, Any]:
    """The row that it should be: with a place for logprobs where they were asked for."""
    return job.public() | ({} if job.options.top_logprobs is None else {"logprobs": None})


@settings(max_examples=300, deadline=None)
@given(job=JOBS)
def test_a_record_gives_the_same_job_and_the_same_row(job):
    record = job_record(job)
    assert job_from(job.id, record) == job
    assert row_of(job, record) == shown(job)


@settings(max_examples=50, deadline=None)
@given(job=JOBS)
def test_what_the_batch_says_as_well_need_not_be_in_the_record(job):
    record = job_record(job)
    shared = [record.pop(name, None) for name in SHARED]
    assert job_from(job.id, record, shared) == job
    assert row_of(job, record, shared) == shown(job)


def test_a_record_leaves_out_what_its_id_says_and_what_is_usual():
    job = Job(file="a.png", question="q", model="nano", images=("ab" * 32,))
    assert set(job_record(job)) == {"file", "question", "model", "options", "images", "state"}


@pytest.mark.parametrize("wrong", ["ab" * 16, "f" * 12 + "7" + "0" * 19])
def test_an_id_that_says_no_time_is_no_obstacle(wrong):
    assert made_at(wrong) is None
    job = Job(id=wrong, file="a.png", question="q", model="nano")
    assert job_from(job.id, job_record(job)) == job


def test_an_id_says_when_it_was_made_to_the_microsecond():
    before = datetime.now(UTC)
    made = made_at(new_id())
    assert made is not None
    assert before - timedelta(microseconds=1) <= made <= datetime.now(UTC)


def test_a_job_with_one_image_has_nothing_in_its_record_about_several():
    job = Job(file="a.png", question="q", model="nano", images=("0" * 64,), media_types=("image/png",))
    assert set(job_record(job)) == {"file", "question", "model", "options", "images", "media_types", "state"}


TWO = {
    "file": "trip",
    "question": "q",
    "model": "nano",
    "images": ("0" * 64, "1" * 64),
    "media_types": ("image/png", "image/tiff"),
    "files": ("trip/a.png", "trip/b.tif"),
}


def test_a_job_made_of_a_list_of_files_shows_each_of_its_images():
    seen = Look(width=9, height=8, notes=(Note.IMAGE_DAMAGED,), pages=3)
    job = Job.model_validate({**TWO, "looks": (seen,)})
    assert (job.public()["image"], job.public()["media_type"]) == ("0" * 64, "image/png")
    first, second = job.public()["images"]
    named = {"file": "trip/a.png", "sha256": "0" * 64, "media_type": "image/png"}
    assert first == {**named, "width": 9, "height": 8, "pages": 3, "notes": ["image_damaged"]}
    unseen: dict[str, Any] = {"width": None, "height": None, "pages": None, "notes": []}
    assert second == {"file": "trip/b.tif", "sha256": "1" * 64, "media_type": "image/tiff", **unseen}


def test_a_single_image_is_listed_where_it_is_not_called_as_its_job():
    one = {**TWO, "images": ("0" * 64,), "files": ("trip/a.tif",), "width": 9, "height": 8}
    (image,) = Job.model_validate({**one, "usage": {"pages": 2}}).public()["images"]
    assert (image["file"], image["width"], image["pages"]) == ("trip/a.tif", 9, 2)
    assert Job.model_validate({**one, "files": ()}).public()["images"] is None


@pytest.mark.parametrize("wrong", ['{"width": 1}', "[1, 2]", "7"])
def test_looks_that_are_none_make_a_row_unreadable(wrong):
    record = job_record(Job.model_validate(TWO)) | {"looks": wrong}
    with pytest.raises((ValueError, LookupError, TypeError)):
        row_of(Job.model_validate(TWO), record)
