"""What belongs to nobody becomes an owner's: in Redis and in the journal, also when that is interrupted."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from eva01.cli.errors import CommandError
from eva01.launcher.commands.adopt import adopt
from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import new_key
from jobs.contract.asking.order import Order, SentFile
from jobs.contract.models import Batch, Job, JobState, Result, Usage, utc_now
from jobs.storage.ledger import Taken
from jobs.storage.stores import Stores
from jobs.upkeep import adopt as adopting
from jobs.upkeep.adopt import Adopted, Adoption
from jobs.upkeep.restore import Restore, Restored
from tests.backend import MODEL, RECIPE, Backend, sha256_of
from tests.crashing import Countdown, Crashed, CrashingRedis
from tests.old_records import SHA, STATES, load_journal, load_records

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"


def run(stores: Stores, owner: str = "anna") -> Adopted:
    *_, done = Adoption(stores, owner).run()
    return done


def usage_of(stores: Stores, owner: str) -> tuple[int, dict[date, Taken]]:
    """How many jobs of an owner are open, and what those of each day amount to."""
    days = stores.ledger.days(date(2026, 1, 1), date(2100, 1, 1), {owner})
    taken = {row.day: row.taken for row in days if row.taken != Taken()}
    return stores.ledger.open_jobs().get(owner, 0), taken


def usage_told_by(jobs: Iterable[Job]) -> tuple[int, dict[date, Taken]]:
    """The same, from what has become of jobs."""
    open_jobs, sums = 0, dict[date, Taken]()
    for job in jobs:
        open_jobs += not job.state.is_finished
        ended = {job.state.value: 1} if job.state.is_finished else {}
        cost = job.usage if job.usage and not job.cached else Usage()
        taken = Taken(
            taken=1, output_tokens=cost.output_tokens, device_us=round((cost.device_s or 0) * 1e6), **ended
        )
        day = job.created_at.date()
        sums[day] = sums.get(day, Taken()) + taken
    return open_jobs, sums


@pytest.fixture
def made(backend) -> Batch:
    """A batch of nobody with two answers, and two single questions, of which one is answered."""
    batch = backend.batch(RED, GREEN, RED)
    backend.add(None, RED, "answered.png")
    for _ in range(3):
        backend.finish(backend.take())
    backend.add(None, BLUE, "waits.png")
    return batch


def assert_all_is_annas(backend: Backend, *batches: Batch) -> list[Job]:
    """Records, lists, lines, images, answers; gives all jobs."""
    store, client = backend.store, backend.client
    jobs = store.get_jobs([*store.single_ids()])
    jobs += [job for batch in batches for job in store.results(batch.id)]
    assert {store.get_batch(batch.id).owner for batch in batches} == {job.owner for job in jobs} == {"anna"}
    listed, _ = backend.stores.batch_list.page(owners={"anna"})
    assert {batch.id for batch in listed} == {batch.id for batch in batches}
    assert backend.stores.batch_list.page(owners={None})[0] == []
    for content in (RED, GREEN, BLUE):
        sha256 = sha256_of(content)
        using = {f"anna/{job.id}" for job in jobs if sha256 in job.images}
        assert set(client.zrange(names.owned_image_uses_key(sha256), 0, -1)) == using
        assert not client.exists(names.image_uses_key(sha256))
        answered = any(sha256 in job.images and job.state is JobState.SUCCEEDED for job in jobs)
        assert bool(store.known_answer([sha256], RECIPE, "anna")) == answered
        assert store.known_answer([sha256], RECIPE) is None
    assert not client.exists(names.singles_key(MODEL), names.turns_key(MODEL))
    waiting = {job.id for job in jobs if job.state is JobState.QUEUED}
    balance = backend.queue.balance(MODEL)
    assert (balance.queued, balance.missing) == (len(waiting), 0)
    assert usage_of(backend.stores, "anna") == usage_told_by(jobs)
    return jobs


def test_all_that_was_nobodys_is_the_owners_and_goes_on(backend, made):
    before = {job.id: job.model_copy(update={"owner": "anna"}) for job in backend.store.results(made.id)}
    assert run(backend.stores) == Adopted(batches=1, jobs=3, singles=2, noted=4)
    assert_all_is_annas(backend, made)
    assert {job.id: job for job in backend.store.results(made.id)} == before
    taken = backend.take()
    assert (taken.file, taken.owner) == ("waits.png", "anna")
    backend.finish(taken)
    backend.answer_all()
    assert backend.store.get_batch(made.id).counts[JobState.SUCCEEDED] == 3
    assert run(backend.stores, "ben") == Adopted()


def test_the_journal_says_the_same(backend, made):
    run(backend.stores)
    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert restored == Restored(batches=1, finished=3, queued=2)
    assert_all_is_annas(backend, made)


def test_what_has_an_owner_stays_that_ones(backend, made):
    bens = flow.open_batch(backend.stores, Batch(model=MODEL, owner="ben"))
    backend.add(bens, RED)
    single = backend.add(None, RED, owner="ben")
    run(backend.stores)
    assert backend.store.get_batch(bens.id).owner == backend.store.get_job(single.id).owner == "ben"
    assert [one.id for one in backend.stores.batch_list.page(owners={"ben"})[0]] == [bens.id]
    users = set(backend.client.zrange(names.owned_image_uses_key(sha256_of(RED)), 0, -1))
    assert len([user for user in users if user.startswith("ben/")]) == 2


def test_what_only_the_journal_has_is_the_owners_when_it_comes_back(backend, made):
    backend.client.flushall()
    assert run(backend.stores).noted == 4
    *_, _ = Restore(backend.store, backend.journal).run()
    assert_all_is_annas(backend, made)


def test_a_batch_that_is_deleted_is_left_to_its_removal(backend, made):
    flow.delete_batch(backend.stores, made.id)
    assert run(backend.stores) == Adopted(singles=2, noted=3)
    backend.remove_all()
    assert list(backend.journal.batches()) == []


def test_nothing_is_left_of_what_was_taken_over_when_it_is_deleted(backend, made):
    run(backend.stores)
    backend.answer_all()
    flow.delete_batch(backend.stores, made.id)
    for job_id in [*backend.store.single_ids()]:
        backend.journal.forget_jobs([job_id])
        backend.store.remove_job(job_id)
    backend.remove_all()
    backend.store.take(MODEL, "one more")
    backend.assert_empty()


def test_it_may_be_killed_at_any_step_and_goes_on(backend, made, redis_url, monkeypatch):
    monkeypatch.setattr(adopting, "_STEP", 1)
    client, blobs = backend.client, backend.blobs
    crashing = CrashingRedis.from_url(redis_url, decode_responses=True)
    assert isinstance(crashing, CrashingRedis)
    is_done, steps = False, 0
    while not is_done:
        # Each run may take one command more than the last, and is killed before the next.
        steps += 1
        crashing.countdown = Countdown(steps)
        backend.use(crashing, blobs)
        with suppress(Crashed):
            run(backend.stores)
            is_done = True
    backend.use(client, blobs)
    crashing.close()
    assert steps > 10
    assert_all_is_annas(backend, made)
    client.flushall()
    *_, _ = Restore(backend.store, backend.journal).run()
    assert_all_is_annas(backend, made)


def test_a_batch_that_was_begun_goes_on_for_the_same_owner(backend, made):
    store = backend.store
    assert store.adopt_batch(made.id, "anna", 2) == (True, 2, True)
    assert store.adopt_batch(made.id, "ben", 2) == (False, 1, False)
    assert store.adopt_batch(made.id, "ben", 2) == (False, 0, False)
    assert {job.owner for job in store.results(made.id)} == {"anna"}


def test_jobs_that_come_and_end_meanwhile_are_the_owners(backend, made):
    """Between the steps a file comes, a worker answers, and a job that was not looked at yet is removed."""
    store = backend.store
    running = backend.take()
    assert running.file == "waits.png"
    waiting = backend.take()
    store.adopt_batch(made.id, "anna", 1)
    backend.add(made, BLUE, "later.png")
    backend.finish(waiting)
    later = store.known_answer(waiting.images, RECIPE, "anna")
    assert (later.id, later.owner) == (waiting.id, "anna")
    backend.finish(running)
    assert run(backend.stores).singles == 2
    assert_all_is_annas(backend, made)


def test_it_runs_beside_web_and_workers(backend, monkeypatch):
    """What comes, is answered or cancelled meanwhile is the owner's in the end, with all that is its."""
    monkeypatch.setattr(adopting, "_STEP", 3)
    batches = [backend.batch(RED, GREEN, BLUE, RED) for _ in range(6)]
    for _ in range(10):
        backend.add(None, RED)
    is_over = threading.Event()

    def web() -> None:
        for n, batch in enumerate(batches * 3):
            backend.add(batch, GREEN, f"later {n}.png")
            backend.add(None, BLUE)
        flow.cancel_batch(backend.stores, batches[0].id)

    def worker() -> None:
        while not is_over.is_set():
            if job := backend.take():
                # One that was cancelled has no end that is its worker's.
                with suppress(AssertionError):
                    backend.finish(job)

    with ThreadPoolExecutor(3) as threads:
        others = [threads.submit(web), threads.submit(worker), threads.submit(worker)]
        try:
            run(backend.stores)
            others[0].result()
            run(backend.stores)
        finally:
            is_over.set()
        for one in others:
            one.result()
    backend.answer_all()
    while backend.store.settle_some(batches[0].id, 10):
        pass
    jobs = assert_all_is_annas(backend, *batches)
    assert {job.state for job in jobs} <= {JobState.SUCCEEDED, JobState.CANCELLED}
    journal = backend.journal
    assert {noted.owner for noted in (*journal.batches(), *journal.jobs(None))} == {"anna"}
    assert {ended.owner for ended in journal.results(None, journal.answered(None))} == {"anna"}


# A single question that changes while the journal is noted


@pytest.fixture
def between(backend, monkeypatch) -> Callable[[Callable[[], None]], None]:
    """Has something done right before the journal is asked to keep a single question's end."""

    def set_up(change: Callable[[], None]) -> None:
        note_result = backend.journal.note_result

        def changed_first(job: Job) -> None:
            monkeypatch.setattr(backend.journal, "note_result", note_result)
            change()
            note_result(job)

        monkeypatch.setattr(backend.journal, "note_result", changed_first)

    return set_up


def test_one_that_is_removed_meanwhile_does_not_come_back(backend, between):
    job = backend.add(None, RED)
    backend.answer_all()

    def remove() -> None:
        backend.journal.forget_jobs([job.id])
        backend.store.remove_job(job.id)

    between(remove)
    run(backend.stores)
    assert [*backend.journal.jobs(None), *backend.journal.answered(None)] == []


def test_one_that_runs_again_meanwhile_is_not_noted_as_failed(backend, between):
    job = backend.add(None, RED)
    backend.store.finish(backend.take().id, Result(error={"code": "engine_failed", "message": "x"}))
    backend.journal.note_result(backend.store.get_job(job.id))
    between(lambda: flow.retry_job(backend.stores, job.id))
    run(backend.stores)
    assert list(backend.journal.answered(None)) == []
    assert [noted.owner for noted in backend.journal.jobs(None)] == ["anna"]


# A store of version 0.1.0


def test_a_store_of_version_0_1_0_becomes_an_owners_with_all_there_is(backend, tmp_path):
    load_records(backend.client)
    load_journal(tmp_path / "blobs")
    (batch_id,) = backend.client.zrange(names.BATCHES, 0, -1)
    (single,) = backend.client.zrange(names.SINGLE_JOBS, 0, -1)
    store = backend.store
    assert run(backend.stores) == Adopted(batches=1, jobs=6, singles=1, noted=3)
    assert [one.id for one in backend.stores.batch_list.page(owners={"anna"})[0]] == [batch_id]
    assert {job.file: (job.state, job.owner) for job in store.results(batch_id)} == {
        file: (state, "anna") for file, state in STATES.items()
    }
    assert store.get_job(single).owner == "anna"
    assert store.known_answer([SHA], "5eed", "anna").file == "a/1.jpg"
    assert store.known_answer([SHA], "5eed") is None
    assert backend.image_uses.kind(SHA, {"anna"}).media_type == "image/jpeg"
    assert backend.image_uses.kind(SHA, {None, "ben"}) is None
    running = next(job for job in store.results(batch_id) if job.state is JobState.RUNNING)
    assert store.finish(running.id, Result(answer="yes"), recipe="other")
    assert store.known_answer([SHA], "other", "anna").id == running.id
    assert store.take("nano", "ticket").job.file == "5.jpg"
    assert backend.queue.balance("nano").missing == 0
    everything = [*store.results(batch_id), store.get_job(single)]
    states = Counter(job.state for job in everything)
    assert states == {"succeeded": 3, "failed": 2, "cancelled": 1, "running": 1}
    assert usage_of(backend.stores, "anna") == usage_told_by(everything)
    open_jobs, days = usage_of(backend.stores, "anna")
    assert (open_jobs, [*days]) == (1, [date(2026, 11, 25)])
    assert days[date(2026, 11, 25)].output_tokens == 4

    backend.client.flushall()
    *_, restored = Restore(store, backend.journal).run()
    assert restored == Restored(batches=1, finished=4, queued=3)
    everything = [*store.results(batch_id), store.get_job(single)]
    assert {job.owner for job in everything} == {"anna"}
    assert usage_of(backend.stores, "anna") == usage_told_by(everything)


# Files of requests


def test_files_are_the_owners_but_for_those_that_are_being_read(backend):
    stores = backend.stores
    files = [send_file(stores, content) for content in (b"one", b"two", b"three")]
    order = Order(
        batch_id=backend.batch().id,
        file=files[2],
        endpoint="/v1/responses",
        window="24h",
        expires_at=utc_now(),
    )
    stores.orders.begin(order)
    run(stores)
    for sent, content in zip(files[:2], (b"one", b"two"), strict=True):
        given = stores.sent_files.get(sent.id, {"anna"})
        assert given == sent.model_copy(update={"owner": "anna"})
        assert stores.sent_files.piece(given, 0) == content
    assert stores.sent_files.of([None]) == [files[2]]
    stores.orders.note(order.model_copy(update={"is_filled": True}))
    assert run(stores).files == 1
    assert stores.sent_files.of([None]) == []
    assert [*stores.blobs.list(names.sent_folder(None))] == []
    assert run(stores).files == 0


def send_file(stores: Stores, content: bytes) -> SentFile:
    sent = SentFile(name="a.jsonl", size_bytes=len(content), lines=1)
    stores.sent_files.put(sent, BytesIO(content))
    return sent


# The command


def test_the_command_takes_over_and_says_what_it_did(backend, made, redis_url, tmp_path, monkeypatch):
    for name, value in {"REDIS_URL": redis_url, "EVA01_DATA": str(tmp_path), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def said(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(adopt, arguments)
        return result.exit_code, result.output

    flow.add_key(backend.stores, new_key("anna", role="admin").key)
    send_file(backend.stores, b"one")
    assert said("anna") == (
        0,
        "anna has 1 batch more, with 3 images, 2 single questions, and 1 request file; 4 records of the"
        " journal say so.\n",
    )
    assert said("anna") == (0, "Nothing belonged to nobody.\n")
    code, text = said("of all")
    assert (code, "'of all' is no owner's name" in text) == (2, True)
    assert Path(tmp_path / "blobs").exists()


def test_the_command_refuses_an_owner_whom_no_key_has_unless_that_is_meant(
    backend, made, redis_url, tmp_path, monkeypatch
):
    for name, value in {"REDIS_URL": redis_url, "EVA01_DATA": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)

    def refusal(*arguments: str) -> str:
        error = CliRunner().invoke(adopt, arguments).exception
        assert isinstance(error, CommandError)
        assert error.code == "unknown_owner"
        return error.message

    assert "There are no keys yet." in refusal("anna")
    flow.add_key(backend.stores, new_key("anna", role="admin", teams=("lab",)).key)
    said = refusal("ana")
    assert "Keys are of anna, lab." in said
    assert "eva01 keys add --owner ana" in said
    assert backend.stores.batch_list.page(owners={None})[0] != []
    assert list(backend.stores.audit.events()) == []
    monkeypatch.setenv("EVA01_ADMIN_KEY", "k" * 32)
    monkeypatch.setenv("EVA01_ADMIN_OWNER", "ops")
    for owner, how in (("ops", ()), ("lab", ()), ("ana", ("--without-key",))):
        assert CliRunner().invoke(adopt, [owner, *how]).exit_code == 0
    assert backend.stores.batch_list.page(owners={"ops"})[0] != []
