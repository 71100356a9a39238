"""What belongs to whom, through web's real app: lists, images that are here already, further questions."""

import hashlib
import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs.contract import names
from jobs.contract.access.owners import new_key
from jobs.contract.models import JobError, Look, Result, Usage
from jobs.contract.settings import WebSettings
from tests.files import pdfs
from tests.files.hostile import encoded
from web.services import Services

pytestmark = pytest.mark.redis

IMAGE = encoded()
SHA = hashlib.sha256(IMAGE).hexdigest()
TWO_PAGES = pdfs.document(pdfs.Page(), pdfs.Page(pdfs.GREEN))


class User:
    """Whoever has a key of an owner."""

    def __init__(self, http: FlaskClient, services: Services, owner: str, **fields: object) -> None:
        new = new_key(owner, **fields)
        services.keys.add(new.key)
        self._http, self.headers = http, {"Authorization": f"Bearer {new.text}"}

    def get(self, path: str) -> TestResponse:
        return self._http.get(path, headers=self.headers)

    def post(self, path: str, **sent: object) -> TestResponse:
        return self._http.post(path, headers=self.headers, **sent)

    def batch(self, name: str = "") -> str:
        return self.post("/api/batches", json={"model": "ocr", "name": name}).get_json()["id"]

    def send(self, batch: str) -> str:
        """Send the image; gives its job."""
        sent = {"files": (io.BytesIO(IMAGE), "a.png")}
        (file,) = self.post(f"/api/batches/{batch}/files", data=sent).get_json()["files"]
        return file["job_id"]

    def knows(self, batch: str, sha256: str = SHA) -> str:
        """What `/known` says of an image."""
        files = {"files": [{"file": "b.png", "sha256": sha256}]}
        (file,) = self.post(f"/api/batches/{batch}/known", json=files).get_json()["files"]
        return file["state"]

    def listed(self, query: str = "") -> list[str]:
        return [batch["name"] for batch in self.get(f"/api/batches{query}").get_json()["batches"]]

    def history(self, query: str = "") -> str:
        return self.get(f"/history{query}").get_data(as_text=True)


@pytest.fixture
def user(http, services):
    return lambda owner, **fields: User(http, services, owner, **fields)


def test_lists_the_history_and_the_search_show_the_callers_batches_alone(user):
    anna, ben, team = user("anna"), user("ben"), user("carl", teams=("anna", "team"))
    for who, name in ((anna, "beach one"), (ben, "beach two"), (team, "beach three")):
        who.batch(name)
    assert (anna.listed(), ben.listed()) == (["beach one"], ["beach two"])
    assert team.listed() == ["beach three", "beach one"]
    assert team.listed("?search=BEACH") == ["beach three", "beach one"]
    assert anna.listed("?search=two") == []
    assert ("beach one" in anna.history(), "beach two" in anna.history()) == (True, False)
    assert "beach one" not in ben.history("?search=beach")


def test_a_cursor_of_several_owners_goes_through_all_of_them_once(user):
    anna, team = user("anna"), user("carl", teams=("anna",))
    for n in range(5):
        (anna if n % 2 else team).batch(f"{n}")
    seen, query = [], "?limit=2"
    while query:
        page = team.get(f"/api/batches{query}").get_json()
        seen += [batch["name"] for batch in page["batches"]]
        query = page["next_cursor"] and f"?limit=2&cursor={page['next_cursor']}"
    assert seen == ["4", "3", "2", "1", "0"]


def test_an_admin_sees_others_batches_only_where_a_setting_allows_it(make_app, services, user):
    user("anna").batch("anna's")
    seeing = make_app(WebSettings(models=("ocr",), admins_see_images=True)).test_client()
    admin = User(seeing, services, "boss", role="admin")
    assert (admin.listed(), user("boss", role="admin").listed()) == (["anna's"], [])


def test_where_no_login_is_needed_what_belongs_to_nobody_is_listed_and_no_more(make_app, http, services):
    http.post("/api/batches", json={"model": "ocr", "name": "everybody's"})
    assert [batch["name"] for batch in http.get("/api/batches").get_json()["batches"]] == ["everybody's"]
    anna = User(http, services, "anna")
    anna.batch("anna's")
    assert anna.listed() == ["anna's"]
    for path in [*services.blobs.list(names.KEYS_FOLDER)]:
        services.blobs.delete([path])
    services.store.redis.delete(names.KEYS)
    local = make_app().test_client()
    assert [batch["name"] for batch in local.get("/api/batches").get_json()["batches"]] == ["everybody's"]


def test_an_image_that_another_owner_sent_is_unknown_until_it_is_sent(user, services):
    anna, ben, team = user("anna"), user("ben"), user("carl", teams=("anna",))
    annas, bens = anna.batch(), ben.batch()
    assert anna.knows(annas) == "unknown"
    anna.send(annas)
    assert (anna.knows(annas), ben.knows(bens), team.knows(team.batch())) == (
        "accepted",
        "unknown",
        "accepted",
    )
    assert ben.knows(bens, "0" * 64) == "unknown", "as one that is nowhere"
    ben.send(bens)
    assert ben.knows(bens) == "accepted"
    assert [*services.blobs.list("images")] == [names.image_path(SHA)]


def test_who_deletes_the_last_batch_with_an_image_knows_it_no_more_and_others_still_do(user, http, services):
    anna, ben = user("anna"), user("ben")
    annas, bens = anna.batch(), ben.batch()
    for who, batch in ((anna, annas), (ben, bens)):
        who.send(batch)
    assert http.delete(f"/api/batches/{annas}", headers=anna.headers).status_code == 204
    assert (anna.knows(anna.batch()), ben.knows(bens)) == ("unknown", "accepted")
    assert services.blobs.has_image(SHA)


def test_a_further_question_is_about_an_image_of_ones_own_alone(user, services):
    anna, ben, team = user("anna"), user("ben"), user("carl", teams=("anna",))
    job = anna.send(anna.batch())
    asked = {"question": "And this?"}
    assert ben.post(f"/api/jobs/{job}/ask", json=asked).get_json()["code"] == "job_not_found"
    further = team.post(f"/api/jobs/{job}/ask", json=asked).get_json()["id"]
    assert services.store.get_job(further).owner == "carl"
    users = services.store.redis.zrange(names.owned_image_uses_key(SHA), 0, -1)
    assert sorted(users) == sorted([f"anna/{job}", f"carl/{further}"])


def test_a_thumbnail_that_another_owners_job_has_made_is_given_when_ones_own_has_an_answer(user, services):
    anna, ben = user("anna"), user("ben")
    job = anna.send(anna.batch())
    services.blobs.put(names.thumbnail_path(SHA), b"small")
    services.store.finish(job, Result(answer="red"))
    bens = ben.send(ben.batch())
    assert anna.get(f"/api/jobs/{job}/thumbnail").status_code == 200
    assert has_no_thumbnail(ben, bens)
    services.store.take("ocr", "a ticket")
    assert services.store.get_job(bens).started_at
    assert has_no_thumbnail(ben, bens)
    services.store.finish(bens, Result(answer="red"))
    assert ben.get(f"/api/jobs/{bens}/thumbnail").get_data() == b"small"


def test_the_text_that_another_owners_job_has_found_in_a_pdf_is_given_when_ones_own_has_an_answer(
    user, services
):
    anna, ben = user("anna"), user("ben")
    anna.send(anna.batch())
    services.blobs.put(names.text_path(SHA, 1), b"Total")
    bens = ben.send(ben.batch())
    services.store.take("ocr", "a ticket")
    services.store.take("ocr", "another")
    assert services.store.get_job(bens).started_at
    assert ben.get(f"/api/jobs/{bens}/text").json == {"pages": []}
    services.store.finish(bens, Result(answer="red"))
    assert ben.get(f"/api/jobs/{bens}/text").json == {"pages": [{"page": 1, "text": "Total"}]}


def test_a_job_that_ends_before_a_worker_has_seen_its_image_shows_no_thumbnail_of_anothers(user, services):
    ben = user("ben")
    services.blobs.put(names.thumbnail_path(SHA), b"small")
    cancelled, unseen, seen = (ben.send(ben.batch()) for _ in range(3))
    error = JobError(code="internal_error", message="No.")
    services.store.cancel(cancelled)
    services.store.finish(unseen, Result(error=error))
    services.store.finish(seen, Result(error=error, width=8, height=6))
    assert has_no_thumbnail(ben, cancelled)
    assert has_no_thumbnail(ben, unseen)
    for _ in ("failed", "retried"):
        assert ben.get(f"/api/jobs/{seen}/thumbnail").get_data() == b"small"
        ben.post(f"/api/jobs/{seen}/retry")


def test_of_several_images_those_have_a_thumbnail_that_a_worker_has_seen_for_the_job(user, services):
    ben = user("ben")
    images = [IMAGE, encoded(size=(9, 9))]
    files = [(io.BytesIO(image), f"{place}.png") for place, image in enumerate(images)]
    job = ben.post("/api/jobs", data={"file": files, "question": "Same?", "model": "nano"}).get_json()["id"]
    for sha256 in services.store.get_job(job).images:
        services.blobs.put(names.thumbnail_path(sha256), b"small")
    error = JobError(code="truncated_image", message="No.")
    services.store.finish(job, Result(error=error, width=8, looks=(Look(width=8, height=6),)))
    assert ben.get(f"/api/jobs/{job}/thumbnail").status_code == 200
    assert has_no_thumbnail(ben, job, "?number=2")


def test_of_a_document_those_pages_are_shown_that_a_worker_has_seen_for_the_job(user, services):
    ben = user("ben")
    sent = {"file": (io.BytesIO(TWO_PAGES), "a.pdf"), "question": "What?", "model": "nano"}
    job = ben.post("/api/jobs", data=sent).get_json()["id"]
    (sha256,) = services.store.get_job(job).images
    for page in (1, 2):
        services.blobs.put(names.thumbnail_path(sha256, page), b"page %d" % page)
        services.blobs.put(names.text_path(sha256, page), b"text %d" % page)

    def shown() -> tuple[list[int], list[int]]:
        texts = ben.get(f"/api/jobs/{job}/text").get_json()["pages"]
        pages = [page for page in (1, 2) if not has_no_thumbnail(ben, job, f"?page={page}")]
        return pages, [one["page"] for one in texts]

    assert shown() == ([], [])
    services.store.finish(job, Result(error=JobError(code="internal_error", message="No."), width=8))
    assert shown() == ([1], [1])
    ben.post(f"/api/jobs/{job}/retry")
    services.store.finish(job, Result(answer="red", usage=Usage(pages=2)))
    assert shown() == ([1, 2], [1, 2])
    assert ben.get(f"/api/jobs/{job}/thumbnail?page=2").get_data() == b"page 2"
    assert has_no_thumbnail(ben, job, "?page=3")


def has_no_thumbnail(who: User, job: str, query: str = "") -> bool:
    return who.get(f"/api/jobs/{job}/thumbnail{query}").status_code == 404


def test_an_answer_is_given_again_to_its_owner_alone(user, services):
    anna, ben = user("anna"), user("ben")
    job = anna.send(anna.batch())
    services.store.finish(job, Result(answer="red"), recipe="5eed")
    ben.send(ben.batch())
    assert services.store.known_answer([SHA], "5eed", "anna").id == job
    assert services.store.known_answer([SHA], "5eed", "ben") is None


def test_a_queue_that_one_owner_has_filled_has_room_for_anothers_share(make_app, services):
    http = make_app(max_queued=6).test_client()
    anna, ben, carl = (User(http, services, owner) for owner in ("anna", "ben", "carl"))

    def ask(who: User) -> int:
        sent = {"file": (io.BytesIO(IMAGE), "a.png"), "model": "ocr"}
        return who.post("/api/jobs", data=sent).status_code

    def send(who: User, batch: str, name: str) -> int:
        sent = {"files": (io.BytesIO(IMAGE), name)}
        return who.post(f"/api/batches/{batch}/files", data=sent).status_code

    assert [ask(anna) for _ in range(8)] == [202] * 6 + [429] * 2
    bens = ben.batch()
    assert [send(ben, bens, f"{n}.png") for n in range(4)] == [202] * 2 + [429] * 2, "a third of six"
    assert [ask(carl), ask(carl), ask(ben)] == [202, 429, 429]
    assert services.queue.depth("ocr").waiting == 9


def test_who_has_more_batches_waiting_than_are_counted_has_no_share(user, services):
    anna = user("anna")
    anna.send(anna.batch())
    assert services.queue.has_share("ocr", "anna", 100)
    waiting = {f"{n:032}": 0 for n in range(1001)}
    services.store.redis.zadd(names.owned_turns_key("ocr", "anna"), waiting)
    assert not services.queue.has_share("ocr", "anna", 1_000_000)
