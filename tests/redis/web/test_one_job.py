"""One job over HTTP, on a real server: retried alone, asked again, its thumbnail."""

import hashlib
import json

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.models import FinishReason, Job, JobError, Result, new_id
from tests.asking import IMAGE, ask, id_of, new_batch, send
from tests.files.hostile import encoded
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

FAILURE = Result(error=JobError(code="engine_failed", message="It failed."))


@pytest.fixture
def job(http) -> str:
    """A job of a batch, by its address."""
    (taken,) = send(http, new_batch(http), {"a/b.png": IMAGE})
    return f"/api/jobs/{taken['job_id']}"


def test_a_job_and_an_export_say_where_lines_stand_when_they_are_asked_to(http, services, job):
    services.store.finish(id_of(job), Result(answer="COFFEE\nCAKE", lines="1 2 30 12 99;1 20 44 32 87"))
    lines = [
        {"text": "COFFEE", "box": [1, 2, 30, 12], "confidence": 0.99},
        {"text": "CAKE", "box": [1, 20, 44, 32], "confidence": 0.87},
    ]
    shown = http.get(f"{job}?lines=true").json
    export = f"/api/batches/{shown['batch_id']}/results.jsonl"
    assert shown["lines"] == json.loads(http.get(f"{export}?lines=true").text)["lines"] == lines
    assert "lines" not in http.get(job).json
    assert "lines" not in json.loads(http.get(export).text)


def test_a_failed_job_is_retried_alone(http, services, job, redis_client):
    services.store.finish(id_of(job), FAILURE)
    services.journal.note_result(services.store.get_job(id_of(job)))
    redis_client.delete(names.bulk_queue("nano"))
    again = http.post(f"{job}/retry")
    assert (again.status_code, again.json["state"], again.json["error"]) == (200, "queued", None)
    assert redis_client.llen(names.bulk_queue("nano")) == 1
    batch_id = again.json["batch_id"]
    assert list(services.journal.results(batch_id, [id_of(job)])) == []
    assert services.store.take("nano", "ticket").job.id == id_of(job)


def test_a_failed_job_without_a_batch_is_retried_too(http, services, redis_client):
    job = f"/api/jobs/{ask(http).json['id']}"
    services.store.finish(id_of(job), FAILURE)
    assert http.post(f"{job}/retry").json["state"] == "queued"
    assert services.store.take("nano", "ticket").job.id == id_of(job)


@pytest.mark.parametrize("result", [None, Result(answer="yes")])
def test_what_has_not_failed_is_not_retried(http, services, job, result, redis_client):
    if result:
        services.store.finish(id_of(job), result)
    assert code_of(http.post(f"{job}/retry")) == (409, "job_not_failed")
    assert redis_client.llen(names.bulk_queue("nano")) == 1


def test_what_failed_by_being_cut_is_not_retried_and_hears_what_to_do_instead(http, services, job):
    services.store.finish(id_of(job), Result(error=FAILURE.error, finish_reason=FinishReason.LENGTH))
    refused = http.post(f"{job}/retry")
    assert code_of(refused) == (409, "job_cut_short")
    assert f"larger max_new_tokens: POST {job}/ask" in refused.json["detail"]
    assert http.get(job).json["finish_reason"] == "length"
    assert http.post(f"{job}/ask", json={"question": "And?", "max_new_tokens": 9}).status_code == 202


def test_a_refused_file_is_neither_retried_nor_asked_about(http):
    (refused,) = send(http, new_batch(http), {"a.png": b"x"})
    job = f"/api/jobs/{refused['job_id']}"
    assert code_of(http.post(f"{job}/retry")) == (409, "job_refused")
    assert code_of(http.post(f"{job}/ask", json={"question": "And?"})) == (404, "image_not_found")
    assert code_of(http.get(f"{job}/thumbnail")) == (404, "thumbnail_not_found")


def test_a_further_question_needs_no_second_upload(http, services, job):
    asked = http.post(f"{job}/ask", json={"question": " And in 中文? ", "max_new_tokens": 7})
    earlier, new = http.get(job).json, asked.json
    assert (asked.status_code, asked.headers["Location"]) == (202, f"/api/jobs/{new['id']}")
    assert {name: new[name] for name in ("question", "model", "batch_id", "state")} == {
        "question": "And in 中文?",
        "model": "nano",
        "batch_id": None,
        "state": "queued",
    }
    assert all(new[name] == earlier[name] for name in ("file", "image", "media_type"))
    taken = services.store.take("nano", "ticket").job
    assert (taken.id, taken.options.max_new_tokens) == (new["id"], 7)
    assert [job.id for job in services.journal.jobs(None)] == [new["id"]]


def test_a_further_question_about_a_page_is_about_the_same_page(http, services, job):
    whole = services.store.get_job(id_of(job))
    page = whole.model_copy(
        update={"id": new_id(), "batch_id": None, "file": "fax.tif#2", "page": 2, "pages": 3}
    )
    services.store.create_job(page)
    asked = http.post(f"/api/jobs/{page.id}/ask", json={"question": "And?"}).json
    new = services.store.get_job(asked["id"])
    assert (new.file, new.page, new.pages, asked["page"]) == ("fax.tif#2", 2, 3, 2)


def test_a_further_question_about_several_images_is_about_all_of_them(http, services, job):
    one = services.store.get_job(id_of(job))
    views = {"id": new_id(), "batch_id": None, "images": one.images * 2, "files": ("front.png", "back.png")}
    services.store.create_job(one.model_copy(update=views))
    asked = http.post(f"/api/jobs/{views['id']}/ask", json={"question": "And?"}).json
    new = services.store.get_job(asked["id"])
    assert (new.images, new.files) == (views["images"], views["files"])


def test_a_further_question_may_go_to_another_model(http, job):
    assert http.post(f"{job}/ask", json={"question": "", "model": "ocr"}).json["model"] == "ocr"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "invalid_field")),
        ({"question": " "}, (400, "missing_question")),
        ({"question": "x" * 4001}, (413, "question_too_long")),
        ({"question": "x", "model": "gpt"}, (422, "unknown_model")),
        ({"question": "x", "max_new_tokens": 5000}, (413, "too_many_tokens")),
        ({"question": "x", "wait": 3}, (400, "invalid_field")),
    ],
)
def test_a_bad_further_question_is_refused(http, job, body, expected):
    assert code_of(http.post(f"{job}/ask", json=body)) == expected


def test_a_further_question_about_an_image_that_is_gone_is_refused(http, services, job):
    services.blobs.delete_images([http.get(job).json["image"]])
    assert code_of(http.post(f"{job}/ask", json={"question": "And?"})) == (404, "image_not_found")


def test_the_image_of_a_further_question_stays_when_its_batch_is_deleted(http, services, job, redis_client):
    new = http.post(f"{job}/ask", json={"question": "And?"}).json
    services.store.remove_job(id_of(job))
    assert redis_client.smembers(names.image_uses_key(new["image"])) == {new["id"]}
    assert redis_client.exists(names.UNUSED_IMAGES) == 0


def test_a_thumbnail_is_shown_once_a_worker_has_made_it(http, services, job):
    missing = http.get(f"{job}/thumbnail")
    assert code_of(missing) == (404, "thumbnail_not_found")
    assert missing.headers["Cache-Control"] == "private, no-store"

    services.blobs.put(names.thumbnail_path(http.get(job).json["image"]), b"webp")
    shown = http.get(f"{job}/thumbnail")
    assert (shown.data, shown.mimetype) == (b"webp", "image/webp")
    assert shown.headers["Cache-Control"] == "private, no-cache"
    tag = {"If-None-Match": shown.headers["ETag"]}
    assert http.get(f"{job}/thumbnail", headers=tag).status_code == 304


def test_each_image_of_several_is_shown_by_its_number_and_so_is_its_thumbnail(http, services):
    contents = {hashlib.sha256(data).hexdigest(): data for data in (IMAGE, encoded(size=(9, 9)), b"third")}
    for sha256, data in contents.items():
        services.blobs.put_image(sha256, data)
        services.blobs.put(names.thumbnail_path(sha256), b"small " + data)
    files = ("trip/front.png", "trip/back.webp", "trip/side.png")
    asked = {"file": "trip", "question": "Same?", "model": "nano", "files": files}
    kinds = ("image/png", "image/webp", "image/png")
    made = flow.accept_single(services, Job(**asked, images=tuple(contents), media_types=kinds))
    job = f"/api/jobs/{made.id}"
    tags = set()
    for place, data in enumerate(contents.values()):
        shown = http.get(f"{job}/image?number={place + 1}")
        assert (shown.data, shown.mimetype) == (data, kinds[place])
        assert files[place].split("/")[1] in shown.headers["Content-Disposition"]
        known = {"If-None-Match": shown.headers["ETag"]}
        assert http.get(f"{job}/image?number={place + 1}", headers=known).status_code == 304
        assert http.get(f"{job}/thumbnail?number={place + 1}").data == b"small " + data
        tags.add(shown.headers["ETag"])
    assert len(tags) == 3
    assert http.get(f"{job}/image").data == IMAGE
    for tail in ("image", "thumbnail"):
        lacking = http.get(f"{job}/{tail}?number=4")
        assert code_of(lacking) == (404, "image_not_found")
        assert "no image 4: it is about 3" in lacking.json["detail"]
        for number in ("0", "-1", "one", "1.0"):
            assert code_of(http.get(f"{job}/{tail}?number={number}")) == (400, "invalid_field")


def test_jobs_that_are_not_there_are_named(http):
    for method, tail in (("post", "/retry"), ("post", "/ask"), ("get", "/thumbnail")):
        missing = http.open(f"/api/jobs/{new_id()}{tail}", method=method, json={"question": "x"})
        assert code_of(missing) == (404, "job_not_found")
