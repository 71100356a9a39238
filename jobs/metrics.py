"""The counter that web and worker share: each counts the moves it makes. Imports nothing of ours."""

from prometheus_client import Counter, disable_created_metrics

# A gauge for each counter that says when it began: twice the lines, and nobody asks.
disable_created_metrics()

#: One count for every time a job came into a state.
JOBS_TOTAL = Counter(
    "eva01_jobs_total", "How many times a job of a model came into a state.", ["model", "state"]
)
