"""What must hold after a run: each a function that raises AssertionError and says what it found."""

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eva01 import Client
from jobs.contract import names
from jobs.contract.models import JobState
from tests.chaos.naming import key_shapes, path_shapes
from tests.chaos.world import World
from tests.processes import wait_until


@dataclass(frozen=True)
class Verdict:
    """Whether one thing holds."""

    claim: str
    holds: bool
    #: What was seen.
    found: str


@dataclass(frozen=True)
class Exports:
    """All results as a user downloads them."""

    jsonl: list[dict[str, Any]]
    csv: list[dict[str, str]]


@dataclass(frozen=True)
class Records:
    """What there is: whatever a name speaks of has to be among it."""

    models: set[str]
    batches: set[str]
    jobs: set[str]
    images: set[str]

    @classmethod
    def read(cls, world: World) -> "Records":
        """Read all records from Redis; a job that its batch does not know is none."""
        jobs, images = set(), set()
        for key in world.redis.scan_iter(names.job_key("*"), count=1000):
            job = world.store.get_job(key.rpartition(":")[2])
            index = names.batch_jobs_key(job.batch_id) if job.batch_id else names.SINGLE_JOBS
            if world.redis.zscore(index, job.id) is not None:
                jobs.add(job.id)
                images.add(job.image or "")
        return cls({world.model}, set(world.batch_ids), jobs, images - {""})

    def explain(self, parts: dict[str, str] | None) -> bool:
        """True for the parts of a name that speaks of what there is."""
        if parts is None:
            return False
        known = {"model": self.models, "batch_id": self.batches, "job_id": self.jobs, "sha256": self.images}
        return all(value in known[part] for part, value in parts.items() if part in known)


Invariant = Callable[[World, Exports], str]


def every_image_is_answered(world: World, exports: Exports) -> str:
    """Every image that was sent is answered."""
    answered = {job["file"] for job in exports.jsonl if job["state"] == "succeeded"}
    missing = sorted(set(world.expected) - answered)
    states = Counter(job["state"] for job in exports.jsonl)
    assert not missing, f"{len(missing)} are not: {_some(missing)}; states {dict(states)}"
    return f"{len(answered)} of {len(world.expected)}"


def no_answer_is_wrong(world: World, exports: Exports) -> str:
    """No image has another answer than its own."""
    expected = world.expected
    wrong = [
        f"{job['file']}: {job['answer']!r} instead of {expected.get(job['file'])!r}"
        for job in exports.jsonl
        if job["state"] == "succeeded" and job["answer"] != expected.get(job["file"])
    ]
    assert not wrong, f"{len(wrong)} are wrong: {_some(wrong)}"
    return "0 wrong"


def nothing_is_counted_twice(world: World, exports: Exports) -> str:
    """Counters, JSONL and CSV have each image once."""
    sent = Counter(world.expected.keys())
    assert Counter(job["file"] for job in exports.jsonl) == sent, "the JSONL has other files than were sent"
    assert Counter(row["file"] for row in exports.csv) == sent, "the CSV has other files than were sent"
    of_csv = {row["id"]: row["answer"].removeprefix("'") for row in exports.csv}
    assert of_csv == {job["id"]: job["answer"] for job in exports.jsonl}, "CSV and JSONL differ"
    for batch in world.batches():
        states = Counter(job["state"] for job in exports.jsonl if job["batch_id"] == batch.id)
        counted = Counter({state.value: count for state, count in batch.counts.items() if count})
        assert counted == states, f"batch {batch.id} counts {dict(counted)}, its jobs are {dict(states)}"
    return f"{len(exports.jsonl)} records, {len(exports.csv)} rows, {sum(sent.values())} files"


def no_more_runs_than_faults_explain(world: World, exports: Exports) -> str:
    """Executions beyond one an image are no more than were held at the faults."""
    executions = sum(job["attempts"] for job in exports.jsonl)
    beyond = executions - len(exports.jsonl)
    assert beyond <= world.at_risk, f"{beyond} beyond, and only {world.at_risk} were held at the faults"
    return (
        f"{executions} executions: {beyond} beyond {len(exports.jsonl)}, {world.at_risk} held at the faults"
    )


def queue_and_held_are_empty(world: World, exports: Exports) -> str:
    """Nothing waits, and nobody holds anything."""
    wait_until(lambda: not any(_depths(world).values()), f"nothing is left of {_depths(world)}", 60)
    return ", ".join(f"{name} {depth}" for name, depth in _depths(world).items())


def no_key_is_an_orphan(world: World, exports: Exports) -> str:
    """Every key in Redis has a known shape, and its batch, job or image is there."""
    shapes, records = key_shapes(names), Records.read(world)
    keys = sorted(world.redis.scan_iter(count=1000))
    orphans = [key for key in keys if not records.explain(shapes.parts(key))]
    assert not orphans, f"{len(orphans)} of {len(keys)}: {_some(orphans)}"
    return f"{len(keys)} keys"


def no_known_answer_is_an_orphan(world: World, exports: Exports) -> str:
    """Every answer that may be given again is that of a job that is there, about the same image."""
    known = 0
    for key in world.redis.scan_iter(names.image_answers_key("*"), count=1000):
        for recipe, job_id in world.redis.hgetall(key).items():
            job = world.store.get_job(job_id)
            assert names.image_answers_key(job.image or "") == key, f"{key} leads to job {job_id}"
            assert (job.recipe, job.state) == (recipe, JobState.SUCCEEDED), f"{key}: {recipe} is {job}"
            known += 1
    return f"{known} answers"


def no_blob_is_an_orphan(world: World, exports: Exports) -> str:
    """Every object of the blob store has a known path, and its batch, job or image is there."""
    shapes, records = path_shapes(names), Records.read(world)
    paths = sorted(world.buckets.paths())
    orphans = [path for path in paths if not records.explain(shapes.parts(path))]
    assert not orphans, f"{len(orphans)} of {len(paths)}: {_some(orphans)}"
    lost = {names.image_path(image) for image in records.images} - set(paths)
    assert not lost, f"{len(lost)} images of jobs are not there: {_some(sorted(lost))}"
    return f"{len(paths)} objects, {len(records.images)} of them images"


INVARIANTS: tuple[Invariant, ...] = (
    every_image_is_answered,
    no_answer_is_wrong,
    nothing_is_counted_twice,
    no_more_runs_than_faults_explain,
    queue_and_held_are_empty,
    no_key_is_an_orphan,
    no_known_answer_is_an_orphan,
    no_blob_is_an_orphan,
)


def verdicts(world: World) -> list[Verdict]:
    """Look at everything; one that does not hold does not keep the others from being looked at."""
    exports = _download(world)
    return [_verdict(invariant, world, exports) for invariant in INVARIANTS]


def _verdict(invariant: Invariant, world: World, exports: Exports) -> Verdict:
    claim = (invariant.__doc__ or "").strip()
    try:
        return Verdict(claim, True, invariant(world, exports))
    except AssertionError as error:
        return Verdict(claim, False, str(error))


def _download(world: World) -> Exports:
    jsonl: list[dict[str, Any]] = []
    rows: list[dict[str, str]] = []
    with Client(world.url) as client, tempfile.TemporaryDirectory() as folder:
        for batch_id in world.batch_ids:
            target = Path(folder, batch_id)
            client.results_jsonl(batch_id, target)
            jsonl += map(json.loads, target.read_text().splitlines())
            client.results_csv(batch_id, target)
            rows += csv.DictReader(target.read_text(encoding="utf-8-sig").splitlines())
    return Exports(jsonl, rows)


def _depths(world: World) -> dict[str, int]:
    lists = (names.interactive_queue(world.model), names.bulk_queue(world.model))
    waiting: Any = sum(int(world.redis.llen(name)) for name in lists)
    index: Any = world.redis.zcard(names.held_index_key(world.model))
    return {"waiting": int(waiting), "held": world.held(), "index of held": int(index)}


def _some(things: list[str]) -> str:
    return ", ".join(things[:5]) + (", …" if len(things) > 5 else "")
