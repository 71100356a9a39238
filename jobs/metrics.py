"""The counters that web and worker share: each counts what it does itself. Imports nothing of ours."""

from prometheus_client import Counter, disable_created_metrics

# A gauge for each counter that says when it began: twice the lines, and nobody asks.
disable_created_metrics()

#: One count for every time a job came into a state.
JOBS_TOTAL = Counter(
    "eva01_jobs_total", "How many times a job of a model came into a state.", ["model", "state"]
)

#: One count for every call of the blob store: `ok`, `retried` (ok in the end), `exhausted`.
BLOB_OPERATIONS = Counter(
    "eva01_blob_operations_total",
    "How many images were put into and got from the blob store, and how that went.",
    ["operation", "outcome"],
)
