"""PDFs over HTTP, on a real server: what they become, why they are refused, and the text that they hold."""

import hashlib

import pytest

from jobs.contract import names
from jobs.contract.models import Job, Result
from jobs.upkeep.restore import Restore
from tests.asking import ask, new_batch, post_files, send
from tests.files import hostile, pdfs, tiffs
from tests.files.pdfs import GREEN, RED, Page
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis
TWO = pdfs.document(Page(RED, "One"), Page(GREEN, "Two"))
SHA = hashlib.sha256(TWO).hexdigest()
LONG = pdfs.many_pages(17)
LARGE = pdfs.document(Page(sides=(14173, 14173)))


@pytest.fixture
def services(http):
    return http.application.extensions["eva01"]


def rows(http, batch: str) -> list[tuple[str, int | None]]:
    return [(job["file"], job["page"]) for job in http.get(f"{batch}/results").json["jobs"]]


def refused(http, batch: str, data: bytes) -> tuple[str, str]:
    (one,) = send(http, batch, {"a.pdf": data})
    assert one["state"] == "rejected"
    return one["error"]["code"], one["error"]["message"]


def test_a_pdf_is_a_job_a_page_or_one_for_a_model_that_reads_whole_files(http, services):
    assert {one["page"] for one in send(http, new_batch(http), {"a.pdf": TWO})} == {1, 2}
    (one,) = send(http, new_batch(http, model="ocr"), {"a.pdf": TWO})
    job = services.store.get_job(one["job_id"])
    assert (job.page, job.pages, job.media_type) == (None, 2, "application/pdf")


def test_one_may_ask_for_the_other_of_a_tiff_too(http, services):
    files = {"a.pdf": TWO, "b.tif": tiffs.fax(2), "c.png": hostile.encoded()}
    together, each = new_batch(http, pages="together"), new_batch(http, model="ocr", pages="each")
    send(http, together, files)
    send(http, each, files)
    assert rows(http, together) == [("a.pdf", None), ("b.tif", None), ("c.png", None)]
    assert rows(http, each) == [
        *(("a.pdf", 1), ("a.pdf#2", 2), ("b.tif", 1), ("b.tif#2", 2), ("c.png", None)),
    ]
    assert (http.get(together).json["pages"], http.get(each).json["pages"]) == ("together", "each")


def test_more_pages_together_than_a_job_may_have_are_refused_and_a_model_that_reads_takes_them(http):
    code, message = refused(http, new_batch(http, pages="together"), LONG)
    assert code == "too_many_images"
    assert "17 pages" in message and "pages: each" in message
    (one,) = send(http, new_batch(http, model="ocr", pages="together"), {"a.pdf": LONG})
    assert one["state"] == "accepted"


def test_a_file_that_is_here_already_is_taken_so_as_well(http):
    send(http, new_batch(http), {"a.pdf": TWO, "b.pdf": LONG})
    together = new_batch(http, pages="together")
    known = [("a.pdf", TWO), ("b.pdf", LONG)]
    asked = [{"file": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in known]
    told = http.post(f"{together}/known", json={"files": asked}).json["files"]
    assert [(one["file"], one["state"]) for one in told] == [("a.pdf", "accepted"), ("b.pdf", "unknown")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdfs.encrypted(b"x"), "pdf_password"),
        (TWO[:300], "truncated_image"),
        (pdfs.without_pages(), "truncated_image"),
        (pdfs.many_pages(10_000), "too_many_pages"),
        (LARGE, "too_many_pixels"),
    ],
)
def test_a_pdf_that_cannot_be_read_is_refused_with_its_reason_and_others_are_taken(http, data, code):
    batch = new_batch(http)
    assert refused(http, batch, data)[0] == code
    assert send(http, batch, {"b.pdf": TWO})[0]["state"] == "accepted"
    assert code_of(ask(http, image=data))[1] == code


def test_a_lower_dpi_takes_a_page_that_is_too_large(http, services):
    batch = new_batch(http, dpi=36)
    (one,) = send(http, batch, {"a.pdf": LARGE})
    assert one["state"] == "accepted"
    assert (http.get(batch).json["dpi"], services.store.get_job(one["job_id"]).options.dpi) == (36, 36)
    services.store.redis.flushall()
    assert [*Restore(services.store, services.journal).run()]
    assert services.store.get_job(one["job_id"]).options.dpi == 36


@pytest.mark.parametrize("wrong", [{"dpi": 35}, {"dpi": 601}, {"dpi": "many"}, {"pages": "some"}])
def test_what_nobody_draws_is_refused_before_anything_is_kept(http, wrong):
    asked = {"question": "what?", "model": "nano", **wrong}
    assert http.post("/api/batches", json=asked).status_code in (400, 422)
    assert (
        post_files(
            http,
            "/analyze",
            {"a.pdf": TWO},
            field="file",
            **{name: str(said) for name, said in wrong.items()},
        ).status_code
        == 400
    )


def test_a_question_is_about_one_page_or_all_together(http, services):
    def asked(**how: str) -> Job:
        sent = post_files(
            http, "/api/jobs", {"a.pdf": TWO}, field="file", question="What?", model="nano", **how
        )
        job: Job = services.store.get_job(sent.json["id"])
        return job

    def refusal(data: bytes, pages: str) -> tuple[int, str]:
        return code_of(ask(http, image=data, pages=pages))

    assert asked(page="2").page == 2
    together = asked(pages="together", dpi="72")
    assert (together.page, together.options.pages, together.options.dpi) == (None, "together", 72)
    assert refusal(TWO, "each") == (400, "invalid_field")
    assert refusal(LONG, "together") == (413, "too_many_images")
    assert asked(pages="each", page="1").page == 1
    further = {"question": "And?", "pages": "together", "dpi": 300}
    again = http.post(f"/api/jobs/{together.id}/ask", json=further)
    options = services.store.get_job(again.json["id"]).options
    assert (options.pages, options.dpi) == ("together", 300)


def test_pdfs_in_zips_are_taken(http):
    told = send(http, new_batch(http), {"all.zip": hostile.zipped({"in/a.pdf": TWO})})
    assert [one["file"] for one in told] == ["in/a.pdf", "in/a.pdf#2"]


def test_the_form_without_scripts_says_how_pages_are_asked_about(http):
    how = {"question": "What?", "model": "nano", "pages": "together", "dpi": "72", "max_pixels": ""}
    made = post_files(http, "/batches", {"a.pdf": TWO}, **how)
    assert made.status_code == 303, made.text
    batch = "/api" + made.headers["Location"]
    assert rows(http, batch) == [("a.pdf", None)]
    assert (http.get(batch).json["dpi"], http.get(batch).json["pages"]) == (72, "together")
    assert post_files(http, "/batches", {"a.pdf": TWO}, **{**how, "dpi": "9"}).status_code in (400, 422)


def test_the_text_in_a_pdf_is_given_with_its_job(http, services):
    batch = new_batch(http)
    ids = [one["job_id"] for one in send(http, batch, {"a.pdf": TWO})]
    (whole,) = [one["job_id"] for one in send(http, new_batch(http, model="ocr"), {"a.pdf": TWO})]

    def text(job: str) -> list[dict]:
        return http.get(f"/api/jobs/{job}/text").json["pages"]

    assert text(ids[0]) == []
    for page, said in enumerate(("One", "<b>Two</b>"), 1):
        services.blobs.put(names.text_path(SHA, page), said.encode())
    assert text(ids[0]) == [{"page": 1, "text": "One"}]
    assert text(ids[1]) == [{"page": 2, "text": "<b>Two</b>"}]
    assert [one["page"] for one in text(whole)] == [1, 2]
    assert code_of(http.get(f"/api/jobs/{whole}/text?number=2")) == (404, "image_not_found")


def test_the_text_of_an_image_is_none(http, services):
    (one,) = send(http, new_batch(http), {"a.png": hostile.encoded()})
    services.store.finish(one["job_id"], Result(answer="red"))
    assert http.get(f"/api/jobs/{one['job_id']}/text").json == {"pages": []}
