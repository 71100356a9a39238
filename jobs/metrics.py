"""The counter that web and worker share: each counts the moves it makes. Imports nothing of ours."""

from prometheus_client import Counter

#: One count for every time a job came into a state.
JOBS_TOTAL = Counter(
    "eva01_jobs_total", "How many times a job of a model came into a state.", ["model", "state"]
)
