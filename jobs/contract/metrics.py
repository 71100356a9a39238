"""The counters that web and worker share: each counts what it does itself. Imports nothing of ours."""

from prometheus_client import Counter, disable_created_metrics

# A gauge for each counter that says when it began: twice the lines, and nobody asks.
disable_created_metrics()

_CANCELLED, _QUEUED = "cancelled", "queued"

#: One count for every time a job came into a state.
JOBS_TOTAL = Counter(
    "eva01_jobs_total", "How many times a job of a model came into a state.", ["model", "state"]
)

#: One count for every job that was cancelled, by how far it had come: `queued`, `held` (a worker had it, and
#: never put it on the device), `device` (it was there, and its answer was dropped).
CANCELLATIONS = Counter(
    "eva01_cancellations_total",
    "How many jobs were cancelled while they were queued, held by a worker, and on the device.",
    ["model", "phase"],
)

#: One count for every call of the blob store: `ok`, `retried` (ok in the end), `exhausted`.
BLOB_OPERATIONS = Counter(
    "eva01_blob_operations_total",
    "How many calls the blob store got by operation (puts, gets, lists, heads, deletes), and how that went.",
    ["operation", "outcome"],
)

#: One count for every look at something kept that cannot be read.
UNREADABLE_RECORDS = Counter(
    "eva01_unreadable_records_total",
    "How often something kept in Redis or in the journal could not be read and was passed over.",
    ["kind"],
)
# There from the beginning, so that the first one is an increase.
for _kind in ("job", "batch"):
    UNREADABLE_RECORDS.labels(_kind)


def count_jobs(model: str, state: str, count: int = 1) -> None:
    """Count jobs that came into a state."""
    JOBS_TOTAL.labels(model, state).inc(count)


def count_cancelled(model: str, before: str, count: int = 1) -> None:
    """Count jobs that were cancelled in the state `before`; one that is running is noticed by its worker."""
    if count:
        count_jobs(model, _CANCELLED, count)
    if count and before == _QUEUED:
        CANCELLATIONS.labels(model, _QUEUED).inc(count)
