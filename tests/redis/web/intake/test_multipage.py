"""Files of several pages over HTTP, on a real server: a job for all of them, or one for each."""

import csv
import hashlib
import io

import pytest

from jobs.contract import names
from jobs.contract.models import Job, JobState, Note, Result, new_id
from jobs.flow.accept import Accepting
from jobs.upkeep.restore import Restore
from tests.asking import ask, new_batch, post_files, send
from tests.files import hostile, tiffs
from tests.files.tiffs import REDUCED, Directory, page, written
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis
FAX = tiffs.fax(3)
SHA = hashlib.sha256(FAX).hexdigest()
ONE = tiffs.fax(1)
NAMES = ["a/scan.tif", "a/scan.tif#2", "a/scan.tif#3"]


@pytest.fixture
def services(http):
    return http.application.extensions["eva01"]


@pytest.fixture
def batch(http) -> str:
    """Of a model that looks at one image."""
    return new_batch(http)


@pytest.fixture
def reading(http) -> str:
    """Of a model that reads all pages."""
    return new_batch(http, model="ocr")


def rows(http, batch: str) -> list[tuple[str, int | None]]:
    return [(job["file"], job["page"]) for job in http.get(f"{batch}/results").json["jobs"]]


def know(http, batch: str, *files: tuple[str, str]) -> list[dict]:
    asked = [{"file": file, "sha256": sha256} for file, sha256 in files]
    answer = http.post(f"{batch}/known", json={"files": asked})
    assert answer.status_code == 200, answer.text
    return answer.json["files"]


def told(outcomes: list[dict]) -> list[tuple[str, str, int | None, bool]]:
    return [(one["file"], one["state"], one["page"], one["is_new"]) for one in outcomes]


def test_a_model_that_looks_at_one_image_gets_a_job_for_each_page(http, batch, services):
    outcomes = send(http, batch, {"a/scan.tif": FAX})
    assert told(outcomes) == [(name, "accepted", page, True) for page, name in enumerate(NAMES, 1)]
    assert rows(http, batch) == [(name, page) for page, name in enumerate(NAMES, 1)]
    jobs = services.store.get_jobs([one["job_id"] for one in outcomes])
    assert {(job.images, job.media_types, job.pages) for job in jobs} == {((SHA,), ("image/tiff",), 3)}


def test_a_model_that_reads_all_pages_gets_one_job(http, reading, services):
    (outcome,) = send(http, reading, {"scan.tif": FAX})
    assert told([outcome]) == [("scan.tif", "accepted", None, True)]
    assert services.store.get_job(outcome["job_id"]).pages == 3


def test_a_file_of_one_page_is_asked_about_as_any_other(http, batch, services):
    pyramid = written([Directory(page(1)), Directory(page(2), kind=REDUCED)])
    outcomes = send(
        http, batch, {"one.tif": ONE, "pyramid.tif": pyramid, "animation.gif": hostile.animation(3)}
    )
    assert [one["page"] for one in outcomes] == [None] * 3
    assert [services.store.get_job(one["job_id"]).pages for one in outcomes] == [1, 1, None]


def test_pages_in_a_zip_and_among_others_keep_their_order(http, batch):
    zipped = hostile.zipped({"x.tif": FAX, "y.png": hostile.encoded(), "z.tif": tiffs.fax(2)})
    outcomes = send(http, batch, {"all.zip": zipped, "last.png": hostile.encoded(size=(9, 9))})
    expected = ["x.tif", "x.tif#2", "x.tif#3", "y.png", "z.tif", "z.tif#2", "last.png"]
    assert [one["file"] for one in outcomes] == expected
    assert [file for file, _ in rows(http, batch)] == expected


def test_a_file_sent_again_makes_no_second_jobs(http, batch, redis_client):
    first = send(http, batch, {"a/scan.tif": FAX})
    again = send(http, batch, {"a/scan.tif": FAX})
    assert [one["job_id"] for one in again] == [one["job_id"] for one in first]
    assert not any(one["is_new"] for one in again)
    assert redis_client.llen(names.bulk_queue("nano")) == 3


@pytest.mark.parametrize("is_known", [False, True])
def test_pages_that_a_crash_left_out_come_with_the_next_try(http, batch, services, is_known):
    (first, *_) = send(http, new_batch(http), {"a/scan.tif": FAX})
    half = services.store.get_job(first["job_id"]).model_dump() | {"id": new_id(), "batch_id": batch[-32:]}
    Accepting(services, services.store.get_batch(batch[-32:])).add([Job.model_validate(half)])
    assert rows(http, batch) == [("a/scan.tif", 1)]
    again = know(http, batch, ("a/scan.tif", SHA)) if is_known else send(http, batch, {"a/scan.tif": FAX})
    assert told(again) == [(name, "accepted", page, page > 1) for page, name in enumerate(NAMES, 1)]
    assert rows(http, batch) == [(name, page) for page, name in enumerate(NAMES, 1)]


def test_a_known_file_brings_all_its_pages(http, batch, reading):
    send(http, reading, {"scan.tif": FAX})
    new = know(http, batch, ("a/scan.tif", SHA), ("b.png", "0" * 64))
    assert told(new) == [
        *((name, "accepted", page, True) for page, name in enumerate(NAMES, 1)),
        ("b.png", "unknown", None, False),
    ]
    assert not any(one["is_new"] for one in know(http, batch, ("a/scan.tif", SHA)))
    other = new_batch(http, model="ocr")
    assert told(know(http, other, ("a/scan.tif", SHA))) == [("a/scan.tif", "accepted", None, True)]


def test_one_page_of_a_known_file_may_be_asked_about(http, batch, reading):
    send(http, reading, {"scan.tif": FAX})
    for at in (batch, new_batch(http, model="ocr")):
        asked = {"files": [{"file": "scan.tif#2", "sha256": SHA, "page": 2}]}
        for is_new in (True, False):
            taken = http.post(f"{at}/known", json=asked).json["files"]
            assert told(taken) == [("scan.tif#2", "accepted", 2, is_new)]
        assert rows(http, at) == [("scan.tif#2", 2)]
    wrong = http.post(f"{batch}/known", json={"files": [{"file": "x.tif", "sha256": SHA, "page": 4}]})
    assert code_of(wrong) == (400, "invalid_field")


def test_a_tiff_whose_pages_nobody_has_counted_is_sent_again(http, batch, redis_client):
    (outcome,) = send(http, new_batch(http), {"one.tif": ONE})
    redis_client.hdel(names.job_key(outcome["job_id"]), "pages")
    asked = ("one.tif", hashlib.sha256(ONE).hexdigest())
    assert know(http, batch, asked)[0]["state"] == "unknown"
    send(http, batch, {"one.tif": ONE})
    assert know(http, new_batch(http), asked)[0]["state"] == "accepted"


def test_a_refused_file_of_several_pages_that_a_higher_limit_lets_in_has_its_job(
    http, batch, services, make_app
):
    (refused,) = send(make_app(max_pages=2).test_client(), batch, {"a/scan.tif": FAX})
    assert refused["error"]["code"] == "too_many_pages"
    mended = send(http, batch, {"a/scan.tif": FAX})
    assert mended[0]["job_id"] == refused["job_id"]
    assert rows(http, batch) == [(name, page) for page, name in enumerate(NAMES, 1)]
    assert services.store.get_job(refused["job_id"]).pages == 3


def test_damaged_and_too_many_pages_are_refused_aloud(make_app, http, batch):
    damaged = written([Directory(page(1)), Directory(page(2))], last=2**31)
    (refused,) = send(http, batch, {"damaged.tif": damaged})
    assert (refused["state"], refused["error"]["code"]) == ("rejected", "truncated_image")
    strict = make_app(max_pages=2).test_client()
    at = new_batch(strict)
    outcomes = send(strict, at, {"three.tif": FAX, "two.tif": tiffs.fax(2)})
    assert [one["state"] for one in outcomes] == ["rejected", "accepted", "accepted"]
    assert outcomes[0]["error"]["code"] == "too_many_pages"
    assert strict.get("/api/limits").json["max_pages"] == 2


def test_another_file_of_the_same_path_has_pages_of_its_own(http, batch):
    send(http, batch, {"scan.tif": FAX})
    other = tiffs.fax(2)
    for is_new in (True, False):
        outcomes = send(http, batch, {"scan.tif": other})
        assert told(outcomes) == [
            ("scan (2).tif", "accepted", 1, is_new),
            ("scan (2).tif#2", "accepted", 2, is_new),
        ]
    assert len(rows(http, batch)) == 5


def test_a_file_that_is_called_as_a_page_is_none(http, batch):
    send(http, batch, {"scan.tif#2": hostile.encoded()})
    outcomes = send(http, batch, {"scan.tif": FAX})
    assert [one["is_new"] for one in outcomes] == [True] * 3
    names_ = [file for file, _ in rows(http, batch)]
    assert len(set(names_)) == 4, names_
    assert not any(one["is_new"] for one in send(http, batch, {"scan.tif": FAX}))


def test_a_path_may_be_as_long_as_any_and_its_pages_go_beyond(http, batch):
    path = "x" * 1020 + ".tif"
    assert [one["file"] for one in send(http, batch, {path: FAX})] == [path, f"{path}#2", f"{path}#3"]


def test_many_pages_stop_where_the_queue_is_full(make_app):
    http = make_app(max_queued=2).test_client()
    batch = new_batch(http)
    send(http, batch, {"a.tif": FAX})
    refused = post_files(http, f"{batch}/files", {"b.tif": tiffs.fax(2)})
    assert code_of(refused) == (429, "queue_full")


def test_a_failed_page_is_retried_alone(http, batch, services):
    ids = [one["job_id"] for one in send(http, batch, {"a/scan.tif": FAX})]
    services.store.finish(ids[1], Result(error={"code": "engine_failed", "message": "It failed."}))
    assert http.post(f"/api/jobs/{ids[1]}/retry").json["page"] == 2
    job = services.store.get_job(ids[1])
    assert (job.state, job.page, job.pages, job.file) == (JobState.QUEUED, 2, 3, NAMES[1])


def test_pages_come_back_from_the_journal(http, batch, services, redis_client):
    send(http, batch, {"a/scan.tif": FAX})
    before = http.get(f"{batch}/results").json
    redis_client.flushall()
    list(Restore(services.store, services.journal).run(None))
    assert http.get(f"{batch}/results").json["jobs"] == before["jobs"]
    assert not any(one["is_new"] for one in send(http, batch, {"a/scan.tif": FAX}))


def test_exports_say_which_page_it_is(http, batch):
    send(http, batch, {"a/scan.tif": FAX})
    lines = csv.DictReader(io.StringIO(http.get(f"{batch}/results.csv").text))
    assert [(line["file"], line["page"]) for line in lines] == [(n, str(k)) for k, n in enumerate(NAMES, 1)]


# Single questions


def test_one_page_may_be_asked_about(http, services):
    for model in ("nano", "ocr"):
        asked = ask(http, image=FAX, name="scan.tif", page="2", model=model)
        assert (asked.status_code, asked.json["page"], asked.json["file"]) == (202, 2, "scan.tif#2")
    asked = ask(http, image=FAX, name="scan.tif")
    assert (asked.json["page"], asked.json["file"]) == (None, "scan.tif")
    assert services.store.get_job(asked.json["id"]).pages == 3
    assert ask(http, page="1").json["page"] is None


def test_a_page_that_there_is_not_is_refused(http):
    for image, wrong in ((FAX, "4"), (hostile.encoded(), "2"), (FAX, "0"), (FAX, "two")):
        assert code_of(ask(http, image=image, page=wrong)) == (400, "invalid_field")


def test_a_further_question_is_about_the_same_page_or_another(http):
    job = ask(http, image=FAX, name="scan.tif", page="2").json
    again = http.post(f"/api/jobs/{job['id']}/ask", json={"question": "And?"}).json
    assert (again["page"], again["file"]) == (2, "scan.tif#2")
    other = http.post(f"/api/jobs/{job['id']}/ask", json={"question": "And?", "page": 3}).json
    assert (other["page"], other["file"]) == (3, "scan.tif#3")
    first = http.post(f"/api/jobs/{job['id']}/ask", json={"question": "And?", "page": 1}).json
    assert (first["page"], first["file"]) == (1, "scan.tif")
    wrong = http.post(f"/api/jobs/{job['id']}/ask", json={"question": "And?", "page": 4})
    assert code_of(wrong) == (400, "invalid_field")


# What is shown


def test_each_page_has_a_small_picture_of_its_own(http, batch, services):
    ids = [one["job_id"] for one in send(http, batch, {"a/scan.tif": FAX})]
    for number, job_id in enumerate(ids, 1):
        assert code_of(http.get(f"/api/jobs/{job_id}/thumbnail")) == (404, "thumbnail_not_found")
        services.blobs.put(names.thumbnail_path(SHA, number), b"page %d" % number)
    shown = [http.get(f"/api/jobs/{job_id}/thumbnail") for job_id in ids]
    assert [one.data for one in shown] == [b"page 1", b"page 2", b"page 3"]
    assert len({one.headers["ETag"] for one in shown}) == 3
    whole = http.get(f"/api/jobs/{ids[1]}/image")
    assert (whole.data, whole.content_type) == (FAX, "image/tiff")
    assert 'filename="scan.tif"' in whole.headers["Content-Disposition"]


def test_of_a_file_that_is_one_job_each_page_is_shown_by_its_number(http, reading, services):
    (one,) = send(http, reading, {"a/scan.tif": FAX})
    small, job = f"/api/jobs/{one['job_id']}/thumbnail", http.get(f"/api/jobs/{one['job_id']}").json
    assert (job["page"], job["pages"]) == (None, 3)
    for number in (1, 2, 3):
        services.blobs.put(names.thumbnail_path(SHA, number), b"page %d" % number)
    shown = [http.get(f"{small}?page={number}") for number in (1, 2, 3)]
    assert [one.data for one in shown] == [b"page 1", b"page 2", b"page 3"]
    assert len({one.headers["ETag"] for one in shown}) == 3
    assert http.get(small).data == b"page 1"
    assert code_of(http.get(f"{small}?page=4")) == (404, "thumbnail_not_found")
    assert http.get(f"{small}?page=0").status_code == 400


def test_a_job_about_one_page_shows_no_other(http, batch, services):
    ids = [one["job_id"] for one in send(http, batch, {"a/scan.tif": FAX})]
    for number in (1, 2, 3):
        services.blobs.put(names.thumbnail_path(SHA, number), b"page %d" % number)
    assert http.get(f"/api/jobs/{ids[1]}/thumbnail?page=2").data == b"page 2"
    assert code_of(http.get(f"/api/jobs/{ids[1]}/thumbnail?page=1")) == (404, "thumbnail_not_found")


def test_the_form_without_scripts_takes_all_pages(http):
    made = post_files(http, "/batches", {"scan.tif": FAX}, question="What?", model="nano")
    assert made.status_code == 303
    assert len(rows(http, "/api" + made.headers["Location"])) == 3


def test_the_page_without_scripts_says_that_it_was_the_first_page(http, batch, services):
    (one,) = send(http, batch, {"one.tif": ONE})
    services.store.finish(one["job_id"], Result(answer="red", notes=(Note.FIRST_PAGE,)))
    assert "first page only" in http.get(batch.removeprefix("/api")).text


def test_the_page_without_scripts_says_how_many_pages_a_document_has(http, reading):
    send(http, reading, {"scan.tif": FAX})
    assert "3 pages" in http.get(reading.removeprefix("/api")).text
