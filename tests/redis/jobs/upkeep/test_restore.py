"""Redis is wiped, or has lost a part, and is restored from the journal; what is not lost stays unchanged."""

import time
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from jobs.contract import names
from jobs.contract.errors import NotFound
from jobs.contract.models import FinishReason, JobError, JobState, Result, Usage
from jobs.storage.store import JobStore
from jobs.upkeep.restore import Restore, Restored
from tests.asking import IMAGE, ask, id_of, new_batch, post_files, send
from web.services import Services

pytestmark = pytest.mark.redis

ANSWER = Result(
    answer="red ☀️\n",
    finish_reason=FinishReason.LENGTH,
    width=3,
    height=4,
    lines="0 0 3 4 98",
    usage=Usage(visual_tokens=7),
)
FAILURE = Result(error=JobError(code="engine_failed", message="It failed."))


@pytest.fixture
def restore(services) -> Restore:
    return Restore(services.store, services.journal)


def run(restore: Restore, since: datetime | None = None) -> Restored:
    *_, done = restore.run(since)
    return done


def finish(services: Services, job_id: str, result: Result, recipe: str | None = None) -> None:
    """Finish a job as a worker does."""
    services.store.finish(job_id, result, recipe=recipe)
    services.journal.note_result(services.store.get_job(job_id))


def seen(http, batch: str) -> tuple[dict, list[dict]]:
    """A batch and its results as a user sees them, without rates and times left."""
    fleeting = {"rate_per_s": None, "time_left_s": None}
    return http.get(batch).json | fleeting, http.get(f"{batch}/results").json["jobs"]


@pytest.fixture
def batch(http, services) -> str:
    """A batch with an answer, a failure, a refused file, a cancelled job and two that wait."""
    batch = new_batch(http, name="holiday", max_new_tokens=9)
    files = {"z.png": IMAGE, "a.png": IMAGE, "m.txt": b"no image"}
    answered, failed, _ = send(http, batch, files, questions='{"z.png": "Its own question?"}')
    cancelled, *_ = send(http, batch, {"c.png": IMAGE, "k.png": IMAGE, "b.png": IMAGE})
    finish(services, answered["job_id"], ANSWER)
    finish(services, failed["job_id"], FAILURE)
    http.delete(f"/api/jobs/{cancelled['job_id']}")
    return batch


def queued(services: Services) -> tuple[int, int]:
    depth = services.queue.depth("nano")
    return depth.interactive, depth.bulk


def test_what_ended_before_ended_then_whenever_it_is_restored(http, services, batch, redis_client):
    http.post(f"{batch}/close")
    http.post(f"{batch}/cancel")
    before, record = seen(http, batch), services.store.get_batch(id_of(batch))
    redis_client.flushall()
    later = JobStore(redis_client, lambda: time.time() + 3600)

    run(Restore(later, services.journal))

    assert seen(http, batch) == before
    after = services.store.get_batch(id_of(batch))
    assert (after.closed_at, after.last_finished_at) == (record.closed_at, record.last_finished_at)


def test_a_wiped_redis_comes_back_with_every_answer_reason_and_count(
    http, services, restore, batch, redis_client
):
    single, answered = ask(http).json, ask(http).json
    finish(services, answered["id"], ANSWER)
    before, answer = seen(http, batch), http.get(f"/api/jobs/{answered['id']}").json

    redis_client.flushall()
    done = run(restore)

    assert done == Restored(batches=1, finished=5, queued=3)
    assert seen(http, batch) == before
    assert before[0]["cut_short"] == 1
    assert before[1][0]["finish_reason"] == answer["finish_reason"] == "length"
    assert [job["file"] for job in before[1]] == ["z.png", "a.png", "m.txt", "c.png", "k.png", "b.png"]
    assert http.get(f"/api/jobs/{answered['id']}").json == answer
    assert http.get(f"/api/jobs/{single['id']}").json["state"] == "queued"
    assert queued(services) == (1, 2)
    assert services.store.get_batch(id_of(batch)).options.max_new_tokens == 9


def test_who_follows_a_batch_hears_of_all_its_jobs_again_and_its_timeline_is_as_it_was(
    http, services, restore, batch, redis_client
):
    results = f"{batch}/results?order=changed"
    timeline = http.get(f"{batch}/timeline").json
    cursor = http.get(results).json["next_cursor"]
    redis_client.flushall()
    run(restore)
    again = http.get(f"{results}&cursor={cursor}").json["jobs"]
    assert sorted(again, key=lambda job: job["id"]) == sorted(seen(http, batch)[1], key=lambda job: job["id"])
    assert len(again) == 6
    assert http.get(f"{batch}/timeline").json == timeline
    assert (sum(timeline["succeeded"]), sum(timeline["failed"]), sum(timeline["cancelled"])) == (1, 2, 1)


def test_a_new_name_comes_back(http, restore, batch, redis_client):
    http.patch(batch, json={"name": "Feiertag"})
    redis_client.flushall()
    run(restore)
    assert http.get(batch).json["name"] == "Feiertag"


def test_restoring_twice_or_a_live_system_changes_nothing(http, services, restore, batch, redis_client):
    finish(services, ask(http).json["id"], ANSWER)
    services.store.take("nano", "a ticket")
    before, depth = seen(http, batch), queued(services)
    assert run(restore) == Restored(present=7)
    assert (seen(http, batch), queued(services)) == (before, depth)

    redis_client.flushall()
    run(restore)
    after, depth = seen(http, batch), queued(services)
    assert run(restore) == Restored(present=7)
    assert (seen(http, batch), queued(services)) == (after, depth)


def test_what_ran_when_redis_was_wiped_starts_anew(http, services, restore, batch, redis_client):
    running = services.store.take("nano", "a ticket").job
    assert running is not None
    send(http, batch, {"k.png": IMAGE, "b.png": IMAGE})
    redis_client.flushall()
    run(restore)
    again = services.store.get_job(running.id)
    assert (again.state, again.attempts, again.started_at, again.ticket) == ("queued", 0, None, None)
    assert services.store.take("nano", "another ticket").job == services.store.get_job(running.id)


def test_a_file_sent_again_after_a_restore_makes_no_second_job(http, restore, batch, redis_client):
    redis_client.flushall()
    run(restore)
    (again,) = send(http, batch, {"k.png": IMAGE})
    assert (again["is_new"], http.get(batch).json["total"]) == (False, 6)


def test_jobs_that_redis_has_lost_are_added_and_the_others_stay(http, services, restore, batch, redis_client):
    before, depth = seen(http, batch), queued(services)
    for job in before[1]:
        if job["file"] in ("z.png", "m.txt", "b.png"):
            services.store.remove_job(job["id"])
            redis_client.hdel(names.batch_files_key(id_of(batch)), job["file"])
    assert http.get(batch).json["total"] == 3

    assert run(restore) == Restored(finished=2, queued=1, present=3)
    after = seen(http, batch)
    assert after[0] == before[0]
    assert sorted(after[1], key=lambda job: job["id"]) == sorted(before[1], key=lambda job: job["id"])
    assert queued(services) == (depth[0], depth[1] + 1)


def test_an_answer_that_only_the_journal_knows_finishes_its_job(http, services, restore, batch):
    first, second = services.store.results(id_of(batch), JobState.QUEUED)
    said = {"answer": "blue", "finish_reason": FinishReason.LENGTH}
    services.journal.note_result(first.model_copy(update={"state": JobState.SUCCEEDED, **said}))
    services.journal.note_result(second.model_copy(update={"state": JobState.CANCELLED}))
    assert run(restore) == Restored(finished=2, present=4)
    back = services.store.get_job(first.id)
    assert (back.answer, back.finish_reason) == ("blue", "length")
    assert services.store.get_job(second.id).state == "cancelled"
    assert http.get(batch).json["cut_short"] == 2
    assert http.get(batch).json["counts"]["queued"] == 0


@pytest.mark.parametrize("lose", ["everything", "the job", "the answer"])
def test_an_answer_that_comes_back_is_known_to_who_asks_the_same(http, services, restore, redis_client, lose):
    job = ask(http).json
    noted = services.store.get_job(job["id"])
    finish(services, job["id"], ANSWER.model_copy(update={"cached": True}), recipe="5eed")
    if lose == "the job":
        services.store.remove_job(job["id"])
    else:
        redis_client.flushall()
    if lose == "the answer":
        services.store.create_job(noted)
    assert services.store.known_answer([job["image"]], "5eed") is None
    run(restore)
    known = services.store.known_answer([job["image"]], "5eed")
    assert (known.id, known.answer, known.cached) == (job["id"], ANSWER.answer, True)


def test_an_answer_whose_part_of_the_manifest_is_torn_comes_back_all_the_same(
    http, services, restore, batch, redis_client
):
    (part, _) = sorted(services.blobs.list(names.manifest_folder(id_of(batch))))
    services.blobs.put(part, services.blobs.get(part)[:20])
    redis_client.flushall()
    run(restore)
    restored = {job["file"]: job["answer"] for job in seen(http, batch)[1]}
    assert restored == {"c.png": None, "k.png": None, "b.png": None, "z.png": ANSWER.answer, "a.png": None}


@pytest.mark.parametrize(("action", "state"), [("close", "closed"), ("cancel", "cancelled")])
def test_a_batch_that_has_ended_stays_so(http, services, restore, batch, redis_client, action, state):
    http.post(f"{batch}/{action}")
    before = http.get(batch).json["counts"]
    redis_client.flushall()
    run(restore)
    shown = http.get(batch).json
    assert (shown["state"], shown["counts"]) == (state, before)
    assert queued(services)[1] == before["queued"]


def test_an_end_that_redis_has_lost_is_repeated(http, restore, batch, redis_client):
    http.post(f"{batch}/close")
    redis_client.hset(names.batch_key(id_of(batch)), "state", "open")
    run(restore)
    assert http.get(batch).json["state"] == "closed"


def test_a_deleted_batch_stays_deleted(http, services, restore, batch):
    services.store.mark_removed(id_of(batch))
    assert run(restore) == Restored()
    with pytest.raises(NotFound):
        services.store.get_batch(id_of(batch))


def test_what_was_deleted_is_deleted_again_from_an_older_redis(http, services, restore, batch, redis_client):
    kept, link = new_batch(http), http.post(f"{batch}/share", json={"days": 1}).json["url"]
    older = {key: redis_client.dump(key) for key in redis_client.scan_iter("*")}
    http.delete(batch)
    redis_client.flushall()
    for key, value in older.items():
        redis_client.restore(key, 0, value)
    assert (http.get(batch).status_code, http.get(urlsplit(link).path).status_code) == (200, 200)
    run(restore)
    assert (http.get(batch).status_code, http.get(urlsplit(link).path).status_code) == (404, 404)
    assert http.get(kept).status_code == 200
    assert services.store.removals() == [id_of(batch)]


def test_that_something_was_deleted_is_forgotten_with_the_usage_of_that_day(services):
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]
    for number, day in enumerate(days):
        services.journal.note_deleted(f"b{number}", day)
    services.journal.forget_deleted(days[1])
    assert [*services.journal.deleted()] == ["b1", "b2"]


def test_a_refused_file_that_was_taken_later_comes_back_as_taken(
    http, services, restore, batch, redis_client, make_app
):
    (refused,) = send(make_app(max_image_bytes=1).test_client(), batch, {"t.png": IMAGE})
    (mended,) = send(http, batch, {"t.png": IMAGE})
    assert mended["job_id"] == refused["job_id"]
    redis_client.flushall()
    run(restore)
    assert services.store.get_job(mended["job_id"]).state == "queued"
    assert run(restore) == Restored(present=8)

    finish(services, mended["job_id"], ANSWER)
    before = seen(http, batch)
    redis_client.flushall()
    run(restore)
    assert seen(http, batch) == before


def test_a_failure_that_is_retried_does_not_come_back(http, services, restore, batch, redis_client):
    failed = next(job for job in seen(http, batch)[1] if job["file"] == "a.png")
    assert http.post(f"{batch}/retry").json["retried"] == 1
    assert run(restore) == Restored(present=6)
    redis_client.flushall()
    run(restore)
    assert services.store.get_job(failed["id"]).state == "queued"


def test_what_failed_by_being_cut_comes_back_as_it_was_whatever_was_retried_since(
    http, services, restore, batch, redis_client
):
    cut = next(job["id"] for job in seen(http, batch)[1] if job["file"] == "k.png")
    finish(services, cut, Result(error=FAILURE.error, finish_reason=FinishReason.LENGTH))
    retried = http.post(f"{batch}/retry").json
    assert (retried["retried"], retried["left_cut_short"]) == (1, 1)
    before = seen(http, batch)
    redis_client.flushall()
    run(restore)
    assert seen(http, batch) == before
    assert services.store.get_job(cut).state == "failed"


def test_since_adds_what_came_later_and_nothing_else(http, services, restore, batch):
    yesterday = f"{int((datetime.now(UTC) - timedelta(days=1)).timestamp() * 1000):012x}"
    for path in list(services.blobs.list(names.manifest_folder(id_of(batch)))):
        folder, _, part = path.rpartition("/")
        services.blobs.put(f"{folder}/{yesterday}{part[12:]}", services.blobs.get(path))
        services.blobs.delete([path])
    send(http, batch, {"new.png": IMAGE})
    lost = {job["file"]: job["id"] for job in seen(http, batch)[1] if job["file"] in ("k.png", "new.png")}
    for file, job_id in lost.items():
        services.store.remove_job(job_id)
        services.store.redis.hdel(names.batch_files_key(id_of(batch)), file)
    assert run(restore, datetime.now(UTC) - timedelta(hours=1)).queued == 1
    assert services.store.get_job(lost["new.png"]).state == "queued"
    assert run(restore).queued == 1
    assert services.store.get_job(lost["k.png"]).state == "queued"


def test_a_job_that_could_not_be_noted_is_not_there_twice_when_it_is_sent_again(
    http, services, redis_client, tmp_path
):
    noted = tmp_path / "blobs" / "jobs"
    noted.write_text("a file where the folder should be")
    assert ask(http).status_code == 503
    assert redis_client.keys("eva01:job:*") == []
    noted.unlink()
    assert ask(http).status_code == 202
    assert queued(services) == (1, 0)


def test_files_that_could_not_be_noted_are_not_there_twice_when_they_are_sent_again(http, services, tmp_path):
    batch = new_batch(http)
    manifest = tmp_path / "blobs" / names.manifest_folder(id_of(batch))
    manifest.write_text("a file where the folder should be")
    assert post_files(http, f"{batch}/files", {"a.png": IMAGE}).status_code == 503
    manifest.unlink()
    send(http, batch, {"a.png": IMAGE})
    assert [job.file for job in services.journal.jobs(id_of(batch))] == ["a.png"]
    assert http.get(batch).json["total"] == 1


def test_the_command_restores_and_says_what_it_did(http, batch, command, redis_client):
    redis_client.flushall()
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert command("--since", tomorrow) == (
        0,
        "Restored 1 batch: 0 finished images as before, 0 images to be answered; 0 were there.\n",
        "",
    )
    assert command()[1].startswith("Restored 0 batches: 4 finished images as before, 2 images to be answered")
    assert command() == (0, "Nothing was missing; Redis has 6 images of the journal.\n", "")


def test_the_command_says_in_one_line_what_is_away(command, tmp_path, monkeypatch):
    (tmp_path / "blobs").write_text("a file where the folder should be")
    code, _, said = command()
    assert (code, said.count("\n")) == (2, 1)
    assert str(tmp_path) in said
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    code, _, said = command()
    assert (code, said.count("\n")) == (2, 1)
    assert "127.0.0.1:1" in said
    assert "secret" not in said


def test_the_command_says_what_it_passed_over(http, batch, command, redis_client, services):
    services.blobs.put(names.answer_path(None, "0" * 32), b"{")
    redis_client.flushall()
    code, printed, _ = command()
    assert (code, "Passed over 1 record of the journal" in printed) == (0, True)
