"""Deleting a batch over HTTP, on a real server."""

import pytest

from jobs.contract import names
from jobs.contract.models import new_id
from jobs.upkeep.removal import Removal, Removed
from tests.asking import IMAGE, ask, new_batch, post_files, send
from tests.backend import keys_left, know_all
from tests.files import hostile
from tests.processes import wait_until
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis


def remove_all(services) -> Removed:
    parts = (services.store, services.image_uses, services.blobs, services.journal)
    removal, removed = Removal(*parts, settle_s=0), Removed()
    know_all(services.store.redis)

    def is_done() -> bool:
        nonlocal removed
        removed += removal.run_once()
        return not services.store.redis.exists("eva01:removals", "eva01:unused_images")

    wait_until(is_done, "everything that is marked is removed", every_s=0)
    return removed


def test_a_deleted_batch_and_its_jobs_are_unknown_at_once(http):
    batch = new_batch(http)
    (sent,) = send(http, batch, {"a.png": IMAGE})
    job = f"/api/jobs/{sent['job_id']}"
    tag = http.get(batch).headers["ETag"]
    deleted = http.delete(batch)
    assert (deleted.status_code, deleted.data) == (204, b"")
    for address in (batch, f"{batch}/results", f"{batch}/results.csv", f"{batch}/results.jsonl"):
        assert code_of(http.get(address, headers={"If-None-Match": tag})) == (404, "batch_not_found")
    for action in ("close", "cancel", "retry"):
        assert code_of(http.post(f"{batch}/{action}")) == (404, "batch_not_found")
    assert code_of(post_files(http, f"{batch}/files", {"b.png": IMAGE})) == (404, "batch_not_found")
    assert code_of(http.delete(batch)) == (404, "batch_not_found")
    for gone in (http.get(job), http.get(f"{job}/image"), http.delete(job)):
        assert code_of(gone) == (404, "job_not_found")


def test_an_unknown_batch_cannot_be_deleted(http):
    assert code_of(http.delete(f"/api/batches/{new_id()}")) == (404, "batch_not_found")
    assert code_of(http.delete("/api/batches/xyz")) == (400, "malformed_id")


def test_all_that_was_sent_is_gone_and_what_others_sent_stays(http, services):
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE, "b.png": hostile.encoded(size=(9, 9)), "c.svg": hostile.SVG})
    single = ask(http, image=IMAGE).json["id"]
    http.delete(batch)
    assert remove_all(services) == Removed(batches=1, jobs=3, images=1)
    assert http.get(f"/api/jobs/{single}/image").data == IMAGE
    assert len(list(services.blobs.list("images"))) == 1
    assert not list(services.blobs.list("batches"))
    services.store.remove_job(single)
    services.journal.forget_jobs([single])
    remove_all(services)
    assert keys_left(services.store.redis) <= {"eva01:nano:interactive"}
    assert {path.split("/")[0] for path in services.blobs.list("")} == {names.DELETED_FOLDER}


def test_a_refused_request_leaves_no_claim_and_no_image(http, services):
    batch = new_batch(http)
    http.post(f"{batch}/close")
    post_files(http, f"{batch}/files", {"a.png": IMAGE})
    ask(http, image=hostile.SVG)
    assert not services.store.redis.exists("eva01:image_claims")
    remove_all(services)
    assert not list(services.blobs.list("images"))


def test_a_good_file_beside_a_refused_one_of_its_path_keeps_its_image(http, services):
    batch = new_batch(http)
    send(http, batch, {"a.png": hostile.SVG})
    send(http, batch, {"a.png": IMAGE})
    assert remove_all(services) == Removed()
    assert len(list(services.blobs.list("images"))) == 1
    http.delete(batch)
    assert remove_all(services) == Removed(batches=1, jobs=2, images=1)
