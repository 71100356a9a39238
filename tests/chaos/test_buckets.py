"""The blob store that fails now and then, through the client that everything else uses."""

import hashlib

import obstore
import pytest
from huggingface_hub import constants
from obstore.store import from_url

from jobs.contract.access.audit import Action, Event, Outcome
from jobs.contract.catalog import MODELS_FOLDER
from jobs.contract.errors import Unavailable
from jobs.storage.access.audit import AuditTrail
from jobs.storage.files.blobs import BlobStore
from tests.chaos.buckets import FaultyBuckets
from worker.engines.weights.bucket import fetch
from worker.engines.weights.identity import weights_of

NANO = MODELS_FOLDER / "nano"


@pytest.fixture
def buckets(monkeypatch):
    made = FaultyBuckets(share=0.0, seed=1)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    yield made
    made.end()


def test_what_goes_in_comes_out(buckets):
    blobs = BlobStore(buckets.url)
    data = b"x" * 1_000_000
    sha256 = hashlib.sha256(data).hexdigest()
    blobs.put_image(sha256, data)
    assert blobs.get_image(sha256) == data
    assert buckets.paths() == [f"images/{sha256}"]


def test_it_fails_as_often_as_it_is_told_and_a_patient_client_does_not_notice(buckets):
    blobs = BlobStore(buckets.url, sleep=lambda _: None)
    buckets.app.share = 0.3
    kept = {hashlib.sha256(data).hexdigest(): data for data in (bytes([n]) * 5000 for n in range(40))}
    for sha256, data in kept.items():
        blobs.put_image(sha256, data)
    assert {sha256: blobs.get_image(sha256) for sha256 in kept} == kept
    assert 0.15 < buckets.app.failures / buckets.app.calls < 0.45


def test_each_has_a_bucket_of_its_own(buckets):
    BlobStore(buckets.url).put_image("0" * 64, b"x")
    other = FaultyBuckets(share=0.0)
    assert (len(buckets.paths()), other.paths()) == (1, [])
    other.end()


def test_a_client_without_patience_is_told(buckets):
    buckets.app.share = 1.0
    with pytest.raises(Unavailable):
        BlobStore(buckets.url, patience_s=0).get_image("0" * 64)


def test_what_is_created_is_written_once_whatever_happens_to_the_call(buckets):
    blobs = BlobStore(buckets.url, sleep=lambda _: None)
    buckets.app.share = 0.3
    for n in range(30):
        blobs.create(f"audit/{n}.json", b"first")
    for n in range(30):
        with pytest.raises(FileExistsError, match=f"audit/{n}.json"):
            blobs.create(f"audit/{n}.json", b"other")
    assert {blobs.get(f"audit/{n}.json") for n in range(30)} == {b"first"}
    assert buckets.app.failures


def test_the_audit_trail_is_read_from_a_bucket_page_by_page(buckets):
    trail = AuditTrail(BlobStore(buckets.url, sleep=lambda _: None))
    buckets.app.share = 0.1
    noted = [Event(who="anna", action=Action.EXPORT) for _ in range(5)]
    for event in noted:
        trail.note(event)
    with trail.doing(Event(who="anna", action=Action.BATCH_DELETE)):
        pass
    first, cursor = trail.page(limit=4)
    rest, end = trail.page(limit=4, cursor=cursor)
    assert [event.id for event in first[1:] + rest] == sorted((event.id for event in noted), reverse=True)
    assert (first[0].outcome, end) == (Outcome.DONE, None)
    assert [event.id for event in trail.events()] == [event.id for event in [*first, *rest][::-1]]


def test_a_model_comes_whole_out_of_a_bucket_that_fails_and_is_the_same_on_each_machine(
    buckets, tmp_path, monkeypatch
):
    address = f"{buckets.url}models/nano"
    store = from_url(address)
    for path in NANO.iterdir():
        obstore.put(store, path.name, path)
    # Parts so small that there are many, and some of them fail.
    monkeypatch.setattr("worker.engines.weights.bucket._PART_BYTES", 100_000)
    names = set()
    for machine in ("one", "other"):
        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / machine))
        buckets.app.share = 0.1
        folder = fetch(address, streams=4)
        assert buckets.app.failures
        for path in folder.iterdir():
            assert path.read_bytes() == (NANO / path.name).read_bytes(), path.name
        names.add(weights_of(str(folder)))
    assert {path.name for path in NANO.iterdir()} - {path.name for path in folder.iterdir()} == {"README.md"}
    assert len(names) == 1
