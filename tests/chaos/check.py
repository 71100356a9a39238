"""The invariants after a run: each a function that returns what it found, or raises AssertionError."""

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eva01 import Client
from jobs.contract import names
from jobs.contract.models import JobState
from tests.chaos.deployment import Deployment
from tests.chaos.naming import key_shapes, path_shapes
from tests.processes import wait_until


@dataclass(frozen=True)
class Verdict:
    """Whether one invariant holds."""

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
    """The models, batches, jobs and images that exist; a key or path about any other is an orphan."""

    models: set[str]
    batches: set[str]
    jobs: set[str]
    images: set[str]

    @classmethod
    def read(cls, deployment: Deployment) -> "Records":
        """Read all records from Redis; a job that is not in its batch's index does not count."""
        jobs, images = set(), set()
        for key in deployment.redis.scan_iter(names.job_key("*"), count=1000):
            job = deployment.store.get_job(key.rpartition(":")[2])
            index = names.batch_jobs_key(job.batch_id) if job.batch_id else names.SINGLE_JOBS
            if deployment.redis.zscore(index, job.id) is not None:
                jobs.add(job.id)
                images.add(job.image or "")
        return cls({deployment.model}, set(deployment.batch_ids), jobs, images - {""})

    def explain(self, parts: dict[str, str] | None) -> bool:
        """True when all ids in a key or path exist; False for None, a name of unknown shape."""
        if parts is None:
            return False
        known = {"model": self.models, "batch_id": self.batches, "job_id": self.jobs, "sha256": self.images}
        return all(value in known[part] for part, value in parts.items() if part in known)


Invariant = Callable[[Deployment, Exports], str]


def every_image_is_answered(deployment: Deployment, exports: Exports) -> str:
    """Every image that was sent is answered."""
    answered = {job["file"] for job in exports.jsonl if job["state"] == "succeeded"}
    missing = sorted(set(deployment.expected) - answered)
    states = Counter(job["state"] for job in exports.jsonl)
    assert not missing, f"{len(missing)} are not: {_some(missing)}; states {dict(states)}"
    return f"{len(answered)} of {len(deployment.expected)}"


def no_answer_is_wrong(deployment: Deployment, exports: Exports) -> str:
    """No image has another answer than its own."""
    expected = deployment.expected
    wrong = [
        f"{job['file']}: {job['answer']!r} instead of {expected.get(job['file'])!r}"
        for job in exports.jsonl
        if job["state"] == "succeeded" and job["answer"] != expected.get(job["file"])
    ]
    assert not wrong, f"{len(wrong)} are wrong: {_some(wrong)}"
    return "0 wrong"


def nothing_is_counted_twice(deployment: Deployment, exports: Exports) -> str:
    """Counters, JSONL and CSV have each image once."""
    sent = Counter(deployment.expected.keys())
    assert Counter(job["file"] for job in exports.jsonl) == sent, "the JSONL has other files than were sent"
    assert Counter(row["file"] for row in exports.csv) == sent, "the CSV has other files than were sent"
    of_csv = {row["id"]: row["answer"].removeprefix("'") for row in exports.csv}
    assert of_csv == {job["id"]: job["answer"] for job in exports.jsonl}, "CSV and JSONL differ"
    for batch in deployment.batches():
        states = Counter(job["state"] for job in exports.jsonl if job["batch_id"] == batch.id)
        counted = Counter({state.value: count for state, count in batch.counts.items() if count})
        assert counted == states, f"batch {batch.id} counts {dict(counted)}, its jobs are {dict(states)}"
        cut = sum(job["finish_reason"] == "length" for job in exports.jsonl if job["batch_id"] == batch.id)
        assert batch.cut_short == cut, f"batch {batch.id} counts {batch.cut_short} cut answers of {cut}"
    return f"{len(exports.jsonl)} records, {len(exports.csv)} rows, {sum(sent.values())} files"


def no_more_runs_than_faults_explain(deployment: Deployment, exports: Exports) -> str:
    """Executions beyond one an image are no more than were held at the faults."""
    executions = sum(job["attempts"] for job in exports.jsonl)
    beyond = executions - len(exports.jsonl)
    assert beyond <= deployment.at_risk, (
        f"{beyond} beyond, and only {deployment.at_risk} were held at the faults"
    )
    held = f"{deployment.at_risk} held at the faults"
    return f"{executions} executions: {beyond} beyond {len(exports.jsonl)}, {held}"


def queue_and_held_are_empty(deployment: Deployment, exports: Exports) -> str:
    """Nothing waits, and nobody holds anything."""
    wait_until(lambda: not any(_depths(deployment).values()), f"nothing is left of {_depths(deployment)}", 60)
    return ", ".join(f"{name} {depth}" for name, depth in _depths(deployment).items())


def no_key_is_an_orphan(deployment: Deployment, exports: Exports) -> str:
    """Every key in Redis has a known shape, and its batch, job or image is there."""
    shapes, records = key_shapes(names), Records.read(deployment)
    keys = sorted(deployment.redis.scan_iter(count=1000))
    orphans = [key for key in keys if not records.explain(shapes.parts(key))]
    assert not orphans, f"{len(orphans)} of {len(keys)}: {_some(orphans)}"
    return f"{len(keys)} keys"


def no_known_answer_is_an_orphan(deployment: Deployment, exports: Exports) -> str:
    """Every answer that may be given again is that of a job that is there, about the same image."""
    known = 0
    for key in deployment.redis.scan_iter(names.image_answers_key("*"), count=1000):
        answers = cast(dict[str, str], deployment.redis.hgetall(key))
        for recipe, job_id in answers.items():
            job = deployment.store.get_job(job_id)
            assert names.image_answers_key(job.image or "") == key, f"{key} leads to job {job_id}"
            said = f"{job.owner}/{job.recipe}" if job.owner else job.recipe
            assert (said, job.state) == (recipe, JobState.SUCCEEDED), f"{key}: {recipe} is {job}"
            known += 1
    return f"{known} answers"


def no_blob_is_an_orphan(deployment: Deployment, exports: Exports) -> str:
    """Every object of the blob store has a known path, and its batch, job or image is there."""
    shapes, records = path_shapes(names), Records.read(deployment)
    paths = sorted(deployment.buckets.paths())
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


def verdicts(deployment: Deployment) -> list[Verdict]:
    """Check all invariants; one that fails does not skip the others."""
    exports = _download(deployment)
    return [_verdict(invariant, deployment, exports) for invariant in INVARIANTS]


def _verdict(invariant: Invariant, deployment: Deployment, exports: Exports) -> Verdict:
    claim = (invariant.__doc__ or "").strip()
    try:
        return Verdict(claim, True, invariant(deployment, exports))
    except AssertionError as error:
        return Verdict(claim, False, str(error))


def _download(deployment: Deployment) -> Exports:
    jsonl: list[dict[str, Any]] = []
    rows: list[dict[str, str]] = []
    with Client(deployment.url) as client, tempfile.TemporaryDirectory() as folder:
        for batch_id in deployment.batch_ids:
            target = Path(folder, batch_id)
            client.results_jsonl(batch_id, target)
            jsonl += map(json.loads, target.read_text().splitlines())
            client.results_csv(batch_id, target)
            rows += csv.DictReader(target.read_text(encoding="utf-8-sig").splitlines())
    return Exports(jsonl, rows)


def _depths(deployment: Deployment) -> dict[str, int]:
    lists = (names.interactive_queue(deployment.model), names.bulk_queue(deployment.model))
    waiting: Any = sum(int(deployment.redis.llen(name)) for name in lists)
    index: Any = deployment.redis.zcard(names.held_index_key(deployment.model))
    return {"waiting": int(waiting), "held": deployment.held(), "index of held": int(index)}


def _some(things: list[str]) -> str:
    return ", ".join(things[:5]) + (", …" if len(things) > 5 else "")
