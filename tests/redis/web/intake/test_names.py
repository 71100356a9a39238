"""A file is told by its path and its content, not by its path alone: over HTTP, on a real server."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence

import httpx
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.contract import names
from jobs.contract.models import Batch, Job, new_id
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, new_batch, send
from tests.files import hostile
from tests.files.hostile import RawEntry

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = (hostile.encoded("RGB", (8, width)) for width in (3, 4, 5))
PATH = "DCIM/IMG_0001.JPG"


@pytest.fixture
def services(http):
    return http.application.extensions["eva01"]


@pytest.fixture
def batch(http) -> str:
    return new_batch(http)


def send_all(http: FlaskClient, batch: str, files: Iterable[tuple[str, bytes]]) -> list[dict]:
    """Send files in one request, also several of one path."""
    form = httpx.Request("POST", "http://web", files=[("files", file) for file in files])
    sent = http.post(f"{batch}/files", data=form.read(), content_type=form.headers["Content-Type"])
    assert sent.status_code == 202, sent.text
    return (sent.json or {})["files"]


def packed(*entries: tuple[str, bytes]) -> bytes:
    """A zip, also with several entries of one path."""
    return hostile.raw_zip(RawEntry(path.encode(), content) for path, content in entries)


def jobs_of(http: FlaskClient, batch: str) -> list[dict]:
    return (http.get(f"{batch}/results?limit=1000").json or {})["jobs"]


def rows(http: FlaskClient, batch: str) -> dict[str, str | None]:
    """The image of each row, by its name."""
    found = jobs_of(http, batch)
    images = {job["file"]: job["image"] for job in found}
    assert len(images) == len(found), "two rows have one name"
    return images


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_another_image_of_a_path_is_a_row_of_its_own_and_says_so(http, batch):
    (first,) = send(http, batch, {PATH: RED})
    (second,) = send(http, batch, {PATH: GREEN})
    assert (first["file"], first["sent_as"]) == (PATH, None)
    assert (second["file"], second["sent_as"], second["is_new"]) == ("DCIM/IMG_0001 (2).JPG", PATH, True)
    assert rows(http, batch) == {PATH: sha(RED), "DCIM/IMG_0001 (2).JPG": sha(GREEN)}
    again = send(http, batch, {PATH: GREEN})
    assert again == [second | {"is_new": False}]


def test_two_cameras_zips_lose_nothing(http, batch):
    zips = {"camera-a.zip": packed((PATH, RED)), "card/camera-b.ZIP": packed((PATH, GREEN))}
    zips["c.zip"] = packed((PATH, RED), (PATH, BLUE))
    sent = send(http, batch, zips)
    assert [one["file"] for one in sent] == [PATH, f"card/camera-b/{PATH}", PATH, f"c/{PATH}"]
    assert send(http, batch, zips) == [one | {"is_new": False} for one in sent]
    assert set(rows(http, batch).values()) == {sha(RED), sha(GREEN), sha(BLUE)}


def test_a_zip_without_a_name_gives_none(http, batch):
    for image in (RED, GREEN):
        send(http, batch, {".zip": packed((PATH, image))})
    assert [*rows(http, batch)] == [PATH, "DCIM/IMG_0001 (2).JPG"]


def test_a_further_zip_of_the_same_name_gets_numbers(http, batch):
    for image in (RED, GREEN, BLUE, IMAGE):
        send(http, batch, {"a.zip": packed((PATH, image))})
    assert [*rows(http, batch)] == [PATH, f"a/{PATH}", "a/DCIM/IMG_0001 (2).JPG", "a/DCIM/IMG_0001 (3).JPG"]


@pytest.mark.parametrize(
    ("path", "second"),
    [
        ("a/b.tar.gz", "a/b.tar (2).gz"),
        ("a.b/c", "a.b/c (2)"),
        (".hidden", ".hidden (2)"),
        ("a/.hidden", "a/.hidden (2)"),
        ("照片.png", "照片 (2).png"),
    ],
)
def test_a_number_stands_before_the_ending(http, batch, path, second):
    sent = send_all(http, batch, [(path, RED), (path, GREEN)])
    assert [one["file"] for one in sent] == [path, second]


def test_a_number_that_a_file_has_in_its_path_is_passed_over(http, batch):
    sent = send_all(http, batch, [("a (2).png", RED), ("a.png", RED), ("a.png", GREEN), ("a (2).png", GREEN)])
    assert [one["file"] for one in sent] == ["a (2).png", "a.png", "a (3).png", "a (2) (2).png"]


def test_paths_that_differ_in_case_alone_are_two(http, batch):
    sent = send(http, batch, {"a.png": RED, "A.PNG": GREEN})
    assert [(one["file"], one["sent_as"]) for one in sent] == [("a.png", None), ("A.PNG", None)]


def test_a_refused_file_sent_again_is_known_and_another_of_its_path_is_a_row_of_its_own(http, batch):
    (first,) = send(http, batch, {"a.png": b"x"})
    (again,) = send(http, batch, {"a.png": b"x"})
    (other,) = send(http, batch, {"a.png": b"y"})
    (third,) = send(http, batch, {"a.png": b"y"})
    assert again == first | {"is_new": False}
    assert (other["file"], other["sent_as"], other["state"]) == ("a (2).png", "a.png", "rejected")
    assert third == other | {"is_new": False}


def test_a_refused_file_under_the_path_of_a_good_one_has_a_row(http, batch):
    sent = send_all(http, batch, [("a.png", RED), ("a.png", b"x")])
    assert [(one["file"], one["state"]) for one in sent] == [("a.png", "accepted"), ("a (2).png", "rejected")]
    assert rows(http, batch) == {"a.png": sha(RED), "a (2).png": None}
    (other,) = send(http, batch, {"a.png": GREEN})
    assert (other["file"], other["sent_as"], other["is_new"]) == ("a (3).png", "a.png", True)
    again = send_all(http, batch, [("a.png", b"x"), ("a.png", GREEN)])
    assert [one["job_id"] for one in again] == [sent[1]["job_id"], other["job_id"]]
    assert rows(http, batch) == {"a.png": sha(RED), "a (2).png": None, "a (3).png": sha(GREEN)}


def test_a_refused_file_keeps_its_row_when_another_of_its_path_comes(http, batch):
    (refused,) = send(http, batch, {PATH: b"x"})
    (other,) = send(http, batch, {PATH: RED})
    assert (other["file"], other["sent_as"], other["is_new"]) == ("DCIM/IMG_0001 (2).JPG", PATH, True)
    assert send(http, batch, {PATH: b"x"}) == [refused | {"is_new": False}]
    assert send(http, batch, {PATH: RED}) == [other | {"is_new": False}]
    assert rows(http, batch) == {PATH: None, "DCIM/IMG_0001 (2).JPG": sha(RED)}


def test_each_of_several_refused_files_of_a_path_is_taken_when_a_limit_is_raised(http, batch, make_app):
    strict, files = make_app(max_image_bytes=1).test_client(), [(PATH, RED), (PATH, GREEN)]
    zips = {"a.zip": packed(*files), "b.zip": packed((PATH, BLUE))}
    refused = [*send_all(strict, batch, files), *send(strict, batch, zips)]
    assert len({one["job_id"] for one in refused}) == 5
    taken = [*send_all(http, batch, files), *send(http, batch, {"b.zip": zips["b.zip"]})]
    ids = [refused[place]["job_id"] for place in (0, 1, 4)]
    assert [(one["job_id"], one["is_new"], one["state"]) for one in taken] == [
        (job_id, True, "accepted") for job_id in ids
    ]
    images = {job["id"]: job["image"] for job in jobs_of(http, batch)}
    assert [images[one["job_id"]] for one in refused] == [sha(RED), sha(GREEN), None, None, sha(BLUE)]


def test_a_broken_picture_of_one_camera_is_not_mended_by_that_of_another(http, batch):
    broken, good = packed((PATH, b"x")), packed((PATH, GREEN))
    send(http, batch, {"a.zip": broken})
    send(http, batch, {"b.zip": good})
    assert rows(http, batch) == {PATH: None, f"b/{PATH}": sha(GREEN)}
    send(http, batch, {PATH: BLUE})
    send(http, batch, {"a.zip": packed((PATH, RED))})
    assert rows(http, batch) == {
        PATH: None,
        f"b/{PATH}": sha(GREEN),
        "DCIM/IMG_0001 (2).JPG": sha(BLUE),
        f"a/{PATH}": sha(RED),
    }


def test_a_broken_and_a_good_entry_of_one_path_in_one_zip_are_two(http, batch):
    sent = send(http, batch, {"a.zip": packed((PATH, b"x"), (PATH, RED))})
    assert [(one["file"], one["state"]) for one in sent] == [(PATH, "rejected"), (f"a/{PATH}", "accepted")]


def test_encrypted_entries_without_a_checksum_each_have_a_row(http, batch):
    def locked(*contents: bytes) -> bytes:
        return hostile.raw_zip(
            RawEntry(PATH.encode(), content, flags=1, crc=0, method=99) for content in contents
        )

    zips = [locked(b"x" * 99, b"y" * 99), locked(b"z" * 99)]
    sent = [one for content in zips for one in send(http, batch, {"c.zip": content})]
    assert {one["error"]["code"] for one in sent} == {"encrypted_entry"}
    assert len({one["job_id"] for one in sent}) == 3
    again = [one for content in zips for one in send(http, batch, {"c.zip": content})]
    assert [one["job_id"] for one in again] == [one["job_id"] for one in sent]


def test_a_question_belongs_to_the_path_that_was_sent(http, batch):
    send(http, batch, {"a.png": RED})
    send(http, batch, {"a.png": GREEN}, questions=json.dumps({"a.png": "And this?"}))
    jobs = http.get(f"{batch}/results").json["jobs"]
    assert {job["file"]: job["question"] for job in jobs} == {"a.png": "What?", "a (2).png": "And this?"}


def test_a_question_for_a_path_that_was_not_sent_is_told(http, batch):
    def unused(files: dict[str, bytes], *paths: str) -> list[str]:
        form = httpx.Request(
            "POST",
            "http://web",
            files=[("files", file) for file in files.items()],
            data={"questions": json.dumps(dict.fromkeys(paths, "Why?"))},
        )
        sent = http.post(f"{batch}/files", data=form.read(), content_type=form.headers["Content-Type"])
        assert sent.status_code == 202, sent.text
        return sent.json["unused_questions"]

    assert unused({"a.png": RED}, "a.pgn", "b.png") == ["a.pgn", "b.png"]
    assert unused({"a.png": RED, "b.txt": b"x"}, "./a.png", "b.txt") == []
    zipped = {"z.zip": packed(("x/1.png", RED), ("x/2.png", b"x"))}
    assert unused(zipped, "x/1.png", "x/2.png", "z.zip") == ["z.zip"]
    assert unused({"a.png": RED}) == []


def test_a_file_that_comes_again_with_another_question_says_which_one_its_job_keeps(http, batch):
    def told(outcomes: list[dict]) -> list[tuple]:
        return [(one["state"], one["is_new"], one["kept_question"]) for one in outcomes]

    def know(**asked: str) -> list[dict]:
        known = {"files": [{"file": "a.png", "sha256": sha(RED)} | asked]}
        return http.post(f"{batch}/known", json=known).json["files"]

    own, other = json.dumps({"a.png": " Why? "}), json.dumps({"a.png": "Where?"})
    assert told(send(http, batch, {"a.png": RED}, questions=own)) == [("accepted", True, None)]
    assert told(send(http, batch, {"a.png": RED}, questions=own)) == [("accepted", False, None)]
    assert told(send(http, batch, {"a.png": RED}, questions=other)) == [("accepted", False, "Why?")]
    assert told(send(http, batch, {"a.png": RED})) == [("accepted", False, "Why?")]
    assert told(know(question="Why?")) == [("accepted", False, None)]
    assert told(know(question="Where?")) == told(know()) == [("accepted", False, "Why?")]
    assert [job["question"] for job in jobs_of(http, batch)] == ["Why?"]


def test_thousands_of_pictures_of_one_name_each_have_a_row(services, redis_client):
    batch = services.store.create_batch(Batch(model="nano", question="q"))

    def jobs() -> list[Job]:
        fields = {"batch_id": batch.id, "file": "image.png", "question": "q", "model": "nano"}
        return [Job(images=(f"{n:064x}",), **fields) for n in range(3000)]

    redis_client.config_resetstat()
    made = services.store.create_jobs(jobs())
    stats = redis_client.info("commandstats")
    looks = stats["cmdstat_hget"]["calls"] + stats["cmdstat_hmget"]["calls"]
    assert [job.file for job, _ in made] == ["image.png", *(f"image ({n}).png" for n in range(2, 3001))]
    assert looks < 11 * 3000
    again = services.store.create_jobs(jobs())
    assert [(job.id, is_new) for job, is_new in again] == [(job.id, False) for job, _ in made]


def test_the_pages_of_a_file_are_called_alike(services, redis_client):
    batch = services.store.create_batch(Batch(model="nano", question="q"))

    def pages(image: str, count: int) -> list[Job]:
        fields = {"batch_id": batch.id, "question": "q", "model": "nano", "images": (image * 64,)}
        paths = ["fax.tif", *(f"fax.tif#{n}" for n in range(2, count + 1))]
        return [Job(file=path, page=n, pages=count, **fields) for n, path in enumerate(paths, 1)]

    store, fields = services.store, {"batch_id": batch.id, "question": "q", "model": "nano"}
    refused = {"state": "failed", "is_refused": True, "refused_sha256": "a" * 64}
    store.create_jobs([Job(file="fax.tif", **refused, **fields)])
    two, three = pages("a", 2), pages("b", 3)
    literal = Job(file="fax.tif#2", images=("c" * 64,), **fields)
    made = [job for jobs in (two, three, [literal]) for job, _ in store.create_jobs(jobs)]
    first, second = ["fax.tif", "fax.tif#2"], ["fax (2).tif", *(f"fax (2).tif#{n}" for n in (2, 3))]
    assert [job.file for job in made] == [*first, *second, "fax (3).tif#2"]
    assert [job.sent_as for job in made] == [None, None, *["fax.tif"] * 3, "fax.tif#2"]
    assert store.get_batch(batch.id).total == 6, "the first page is the job of the file that was refused"
    again = [store.create_job(job.model_copy(update={"id": new_id()})) for job in (*two, *three, literal)]
    assert [(job.id, is_new) for job, is_new in again] == [(job.id, False) for job in made]


def test_names_come_back_from_the_journal_and_files_are_known_by_them(http, services, batch, redis_client):
    zips = {"a.zip": packed((PATH, RED), ("x", b"x")), "b.zip": packed((PATH, GREEN), ("x", b"y"))}
    direct = [(PATH, BLUE), (PATH, b"z")]
    sent = [*send(http, batch, zips), *send_all(http, batch, direct)]
    mended = send(http, batch, {"b.zip": packed(("x", IMAGE))})
    before = rows(http, batch)
    redis_client.flushall()
    *_, _ = Restore(services.store, services.journal).run()
    assert rows(http, batch) == before
    again = [*send(http, batch, zips), *send_all(http, batch, direct)]
    assert [one["job_id"] for one in again] == [one["job_id"] for one in sent]
    assert mended[0]["sent_as"] == "x"
    assert send(http, batch, {"b.zip": packed(("x", IMAGE))}) == [mended[0] | {"is_new": False}]
    assert rows(http, batch) == before
    services.store.mark_removed(batch.rsplit("/", 1)[1])
    services.store.remove_batch(batch.rsplit("/", 1)[1])
    assert not redis_client.exists(names.batch_namesakes_key(batch.rsplit("/", 1)[1]))


# Any files, in any requests

#: What a file may hold: three images, and two things that are none.
CONTENTS = (RED, GREEN, BLUE, b"x", b"y")
#: Paths that come into each other's way: numbers, and names of zips in front.
PATHS = ("a.png", "a (2).png", "A.png", "one/a.png", "one/a (2).png")
#: How files come: by themselves, or in one of two zips.
SOURCES = (None, "one.zip", "two.zip")
Sent = tuple[str | None, str, bytes]


def ways(requests: Sequence[Sequence[Sent]]) -> Iterable[list[tuple[str, bytes]]]:
    """The files of each request, those of a zip packed."""
    for request in requests:
        files: list[tuple[str, bytes]] = []
        for source, some in itertools.groupby(request, lambda one: one[0]):
            entries = [(path, content) for _, path, content in some]
            files += [(source, packed(*entries))] if source else entries
        yield files


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(SOURCES), st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_file_has_exactly_one_row_however_it_is_sent(http, requests):
    batch = new_batch(http)
    seen: dict[tuple, str] = {}

    def check_all() -> None:
        for request, files in zip(requests, ways(requests), strict=True):
            for (source, path, content), outcome in zip(request, send_all(http, batch, files), strict=True):
                is_image = content.startswith(b"\x89PNG")
                assert outcome["state"] == ("accepted" if is_image else "rejected")
                assert path in (outcome["file"], outcome["sent_as"])
                # The same image of the same path is one, whichever way it came.
                what = (path, content) if is_image else (source, path, content)
                assert seen.setdefault(what, outcome["job_id"]) == outcome["job_id"]

    check_all()
    jobs = {job["id"]: job for job in jobs_of(http, batch)}
    assert set(jobs) == set(seen.values())
    assert len({job["file"] for job in jobs.values()}) == len(jobs)
    images = {what: job_id for what, job_id in seen.items() if len(what) == 2}
    assert len(set(images.values())) == len(images), "two images have one row"
    refused = {what: job_id for what, job_id in seen.items() if len(what) == 3}
    assert len(set(refused.values())) == len(refused), "two refused files have one row"
    for (_, content), job_id in images.items():
        assert jobs[job_id]["image"] == sha(content)
    check_all()
    after = jobs_of(http, batch)
    assert {job["id"]: job for job in after} == jobs
