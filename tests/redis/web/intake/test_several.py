"""Jobs about several images over HTTP, on a real server: from files, zips and hashes to what is shown."""

import hashlib
import json

import pytest

from jobs.contract import names
from jobs.contract.models import Result
from jobs.upkeep.removal import Removed
from jobs.upkeep.restore import Restore
from tests.asking import new_batch, post_files, send
from tests.files.hostile import encoded, zipped
from tests.redis.web.test_delete import remove_all
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

#: Each another one.
A, B, C, D = (encoded(size=(width, 8)) for width in (8, 9, 10, 11))


def sha256(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()


@pytest.fixture
def batch(http) -> str:
    return new_batch(http, model="ocr", question="")


def jobs_of(http, batch: str) -> list[tuple[str, list[str] | None]]:
    """What each job is called, and its images."""
    shown = http.get(f"{batch}/results").json["jobs"]
    return [(job["file"], job["images"] and [one["file"] for one in job["images"]]) for job in shown]


def jobs(*said: dict) -> str:
    return json.dumps(said)


TRIP = {"trip/b.png": B, "trip/a.png": A, "c.png": C}
AS_SENT = {"files": ["trip/b.png", "trip/a.png"]}


# The list


def test_files_of_the_list_are_one_job_in_its_order_and_each_other_file_is_a_job(http, batch):
    sent = send(http, batch, TRIP, jobs=jobs({"file": "day 1", "files": ["trip/a.png", "trip/b.png"]}))
    assert [(one["file"], one["files"], one["state"]) for one in sent] == [
        ("day 1", ["trip/a.png", "trip/b.png"], "accepted"),
        ("c.png", None, "accepted"),
    ]
    job = http.get(f"/api/jobs/{sent[0]['job_id']}").json
    assert [(one["file"], one["sha256"], one["media_type"]) for one in job["images"]] == [
        ("trip/a.png", sha256(A), "image/png"),
        ("trip/b.png", sha256(B), "image/png"),
    ]
    assert (job["image"], job["page"]) == (sha256(A), None)
    assert http.get(f"/api/jobs/{sent[1]['job_id']}").json["images"] is None


def test_a_job_without_a_name_is_called_as_the_folder_of_its_files_or_as_the_first(http, batch):
    said = jobs(AS_SENT, {"files": ["y/c.png", "c.png"]}, {"file": "one", "files": ["d.png"]})
    send(http, batch, TRIP | {"y/c.png": C, "d.png": D}, jobs=said)
    assert jobs_of(http, batch) == [
        ("trip", AS_SENT["files"]),
        ("y/c.png", ["y/c.png", "c.png"]),
        ("one", ["d.png"]),
    ]


def test_a_job_sent_again_makes_no_second_and_another_order_is_another_job(http, batch):
    (first, _) = send(http, batch, TRIP, jobs=jobs(AS_SENT))
    (again, _) = send(http, batch, TRIP, jobs=jobs(AS_SENT))
    assert again == first | {"is_new": False}
    (turned, _) = send(http, batch, TRIP, jobs=jobs({"files": AS_SENT["files"][::-1]}))
    assert (turned["is_new"], turned["sent_as"]) == (True, "trip")


def test_a_question_of_its_own_belongs_to_the_name_of_the_job(http):
    batch = new_batch(http)
    said = {"jobs": jobs({"file": "day 1", **AS_SENT}), "questions": json.dumps({"day 1": "Same?"})}
    sent = post_files(http, f"{batch}/files", TRIP, **said).json
    assert sent["unused_questions"] == []
    asked = [http.get(f"/api/jobs/{one['job_id']}").json["question"] for one in sent["files"]]
    assert asked == ["Same?", "What?"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([{"files": ["trip/b.png", "missing.png"]}], (400, "invalid_field")),
        ([{"files": ["trip/b.png", "trip/b.png"]}], (400, "invalid_field")),
        ([{"files": ["trip/b.png"]}, {"files": ["c.png", "trip/b.png"]}], (400, "invalid_field")),
        ([{"files": ["trip/b.png", "packed.zip"]}], (400, "invalid_field")),
        ([{"files": []}], (400, "invalid_field")),
        ([{"file": "no files"}], (400, "invalid_field")),
        ([{"files": ["c.png"], "quesiton": "?"}], (400, "invalid_field")),
        ({"files": ["c.png"]}, (400, "invalid_field")),
        ([{"files": [*TRIP]}], (413, "too_many_images")),
    ],
)
def test_a_list_that_cannot_be_refuses_all_before_anything_is_made(make_app, redis_client, said, expected):
    http = make_app(max_images_per_job=2).test_client()
    batch = new_batch(http)
    files = TRIP | {"packed.zip": zipped({"d.png": D})}
    assert code_of(post_files(http, f"{batch}/files", files, jobs=json.dumps(said))) == expected
    assert http.get(batch).json["total"] == 0
    assert not redis_client.exists(names.image_uses_key(sha256(C)))


def test_a_name_that_two_files_have_is_not_guessed(http, batch):
    parts = {"a.png": A, "./a.png": B}
    refused = post_files(http, f"{batch}/files", parts, jobs=jobs({"files": ["a.png"]}))
    assert code_of(refused) == (400, "invalid_field")
    assert "2 files" in refused.json["detail"]


def test_where_one_image_is_refused_all_of_its_job_are_and_others_go_on(http, batch):
    files = TRIP | {"trip/a.png": b"no"}
    refused, other = send(http, batch, files, jobs=jobs({"file": "day 1", **AS_SENT}))
    assert (refused["file"], refused["state"], other["state"]) == ("day 1", "rejected", "accepted")
    assert refused["error"]["code"] == "not_an_image"
    assert refused["error"]["message"].startswith("Image 2 of 2, trip/a.png: ")
    assert http.get(batch).json["counts"]["failed"] == 1


def test_what_was_refused_is_taken_when_a_limit_is_raised(make_app):
    small, large = (make_app(max_image_pixels=most).test_client() for most in (64, 10_000))
    batch = new_batch(small)
    (refused, _) = send(small, batch, TRIP, jobs=jobs(AS_SENT))
    assert refused["error"]["code"] == "too_many_pixels"
    (taken, _) = send(large, batch, TRIP, jobs=jobs(AS_SENT))
    assert (taken["job_id"], taken["state"], taken["is_new"]) == (refused["job_id"], "accepted", True)
    job = large.get(f"/api/jobs/{taken['job_id']}").json
    assert (job["state"], [one["file"] for one in job["images"]]) == ("queued", AS_SENT["files"])


# A rule


def test_a_folder_is_a_job_and_its_images_are_in_natural_order(http, batch):
    files = {"trip/10.png": A, "trip/2.png": B, "trip/far/1.png": C, "d.png": D}
    send(http, batch, files, group_by="folder")
    assert jobs_of(http, batch) == [
        ("trip", ["trip/2.png", "trip/10.png"]),
        ("trip/far", ["trip/far/1.png"]),
        ("d.png", None),
    ]


def test_names_that_differ_in_their_last_number_are_a_job(http, batch):
    files = {"front_2.png": A, "front_1.png": B, "back_1.png": C, "whole.png": D}
    send(http, batch, files, group_by="prefix")
    assert jobs_of(http, batch) == [
        ("front", ["front_1.png", "front_2.png"]),
        ("back", ["back_1.png"]),
        ("whole.png", None),
    ]


def test_the_folders_of_a_zip_are_jobs_wherever_in_it_their_images_are(http, batch):
    packed = zipped({"x/2.png": A, "y/1.png": B, "x/1.png": C, "top.png": D, "x/.hidden": b"no"})
    send(http, batch, {"shop/all.zip": packed}, group_by="folder")
    assert jobs_of(http, batch) == [
        ("x", ["x/1.png", "x/2.png"]),
        ("y", ["y/1.png"]),
        ("shop/all", ["top.png"]),
    ]
    again = send(http, batch, {"shop/all.zip": packed}, group_by="folder")
    assert [one["is_new"] for one in again] == [False] * 3


def test_a_folder_of_a_zip_with_too_much_or_what_is_no_image_is_refused_under_its_name(make_app):
    http = make_app(max_images_per_job=2).test_client()
    batch = new_batch(http)
    packed = zipped(
        {f"many/{number}.png": A for number in range(3)} | {"x/1.png": A, "x/notes.txt": b"no", "y/1.png": B}
    )
    sent = send(http, batch, {"all.zip": packed}, group_by="folder")
    assert [(one["file"], (one["error"] or {}).get("code")) for one in sent] == [
        ("many", "too_many_images"),
        ("x", "not_an_image"),
        ("y", None),
    ]
    assert "EVA01_MAX_IMAGES_PER_JOB" in sent[0]["error"]["message"]
    assert sent[1]["error"]["message"].startswith("Image 2 of 2, x/notes.txt: ")


def test_a_list_and_a_rule_go_together(http, batch):
    files = TRIP | {"x/1.png": C, "x/2.png": D, "all.zip": zipped({"z/1.png": A, "z/2.png": B})}
    send(http, batch, files, jobs=jobs({"files": ["trip/a.png", "x/2.png"]}), group_by="folder")
    assert jobs_of(http, batch) == [
        ("trip", ["trip/b.png"]),
        ("trip/a.png", ["trip/a.png", "x/2.png"]),
        ("c.png", None),
        ("x", ["x/1.png"]),
        ("z", ["z/1.png", "z/2.png"]),
    ]


def test_a_rule_that_there_is_not_is_refused(http, batch):
    assert code_of(post_files(http, f"{batch}/files", TRIP, group_by="color")) == (400, "invalid_field")


# Known ones


THREE = [{"file": "a.png", "sha256": "0" * 64}] * 3


def named(file: str, image: bytes) -> dict[str, str]:
    return {"file": file, "sha256": sha256(image)}


def known(http, batch: str, **body) -> list[dict]:
    told = http.post(f"{batch}/known", json=body)
    assert told.status_code == 200, told.text
    return told.json["files"]


def test_a_job_whose_images_are_all_here_is_not_sent_again(http, batch):
    send(http, batch, TRIP)
    other = new_batch(http, model="ocr", question="")
    images = [
        {"file": "trip/a.png", "sha256": sha256(A)},
        {"file": "trip/b.png", "sha256": sha256(B).upper()},
    ]
    lacking = [*images, {"file": "d.png", "sha256": sha256(D)}]
    body = {
        "files": [{"file": "c.png", "sha256": sha256(C)}],
        "jobs": [{"files": images}, {"file": "x", "files": lacking}],
    }
    told = known(http, other, **body)
    assert [(one["file"], one["files"], one["state"]) for one in told] == [
        ("c.png", None, "accepted"),
        ("trip", ["trip/a.png", "trip/b.png"], "accepted"),
        ("x", ["trip/a.png", "trip/b.png", "d.png"], "unknown"),
    ]
    assert jobs_of(http, other) == [("c.png", None), ("trip", ["trip/a.png", "trip/b.png"])]
    assert [one["is_new"] for one in known(http, other, **body)] == [False] * 3
    sent = send(
        http, other, {"trip/a.png": A, "trip/b.png": B}, jobs=jobs({"files": ["trip/a.png", "trip/b.png"]})
    )
    assert (sent[0]["job_id"], sent[0]["is_new"]) == (told[1]["job_id"], False)


def test_an_image_that_came_with_others_is_known_by_itself(http, batch):
    send(http, batch, TRIP, jobs=jobs(AS_SENT))
    (told,) = known(http, new_batch(http), files=[named("a.png", A)])
    assert told["state"] == "accepted"


@pytest.mark.parametrize(
    ("body", "limits", "expected"),
    [
        ({}, {}, (400, "invalid_field")),
        ({"jobs": [{"files": []}]}, {}, (400, "invalid_field")),
        ({"jobs": [{"files": THREE}]}, {"max_images_per_job": 2}, (413, "too_many_images")),
        ({"jobs": [{"files": THREE}]}, {"max_known_files": 2}, (413, "too_many_files")),
    ],
)
def test_jobs_that_cannot_be_known_are_refused(make_app, body, limits, expected):
    http = make_app(**limits).test_client()
    assert code_of(http.post(f"{new_batch(http)}/known", json=body)) == expected


# A single question


@pytest.mark.parametrize("address", ["/api/jobs", "/analyze"])
def test_several_files_of_a_question_are_one_job(http, address):
    wait = {"wait": "0"} if address == "/analyze" else {}
    form = {"question": "Same?", "model": "nano", **wait}
    asked = post_files(http, address, {"t/b.png": B, "t/a.png": A}, field="file", **form)
    assert asked.status_code == 202, asked.text
    assert asked.json["file"] == "t"
    assert [one["sha256"] for one in asked.json["images"]] == [sha256(B), sha256(A)]
    further = http.post(f"/api/jobs/{asked.json['id']}/ask", json={"question": "Why?"}).json
    assert (further["images"], further["question"]) == (asked.json["images"], "Why?")


@pytest.mark.parametrize(
    ("files", "form", "expected"),
    [
        ({"a.png": A, "b.png": B, "c.png": C}, {}, (413, "too_many_images")),
        ({"a.png": A, "b.png": B}, {"page": "1"}, (400, "invalid_field")),
        ({"a.png": A, "b.png": b"no"}, {}, (422, "not_an_image")),
    ],
)
def test_a_question_about_several_that_cannot_be_is_refused(make_app, files, form, expected):
    http = make_app(max_images_per_job=2).test_client()
    asked = {"question": "Same?", "model": "nano", **form}
    refused = post_files(http, "/api/jobs", files, field="file", **asked)
    assert code_of(refused) == expected
    if expected[1] == "not_an_image":
        assert refused.json["detail"].startswith("Image 2 of 2, b.png: ")


# What becomes of them


def test_an_answer_is_known_for_the_same_images_in_the_same_order_alone(http, services):
    batch = new_batch(http)
    (first, _) = send(http, batch, TRIP, jobs=jobs(AS_SENT))
    services.store.finish(first["job_id"], Result(answer="Two."), recipe="5eed")
    known_answer = services.store.known_answer
    assert known_answer((sha256(B), sha256(A)), "5eed").answer == "Two."
    assert known_answer((sha256(A), sha256(B)), "5eed") is None


def test_a_deleted_job_takes_all_of_its_images_with_it(http, batch, services):
    kept = new_batch(http)
    send(http, kept, {"b.png": B})
    send(http, batch, TRIP, jobs=jobs(AS_SENT))
    assert http.delete(batch).status_code == 204
    assert remove_all(services) == Removed(batches=1, jobs=2, images=2)
    assert [one for one in (A, B, C) if services.blobs.has_image(sha256(one))] == [B]


def test_a_restore_brings_back_the_job_as_it_was_shown(http, batch, services, redis_client):
    send(http, batch, TRIP, jobs=jobs({"file": "day 1", **AS_SENT}))
    before = http.get(f"{batch}/results").json["jobs"]
    redis_client.flushall()
    list(Restore(services.store, services.journal).run())
    assert http.get(f"{batch}/results").json["jobs"] == before
