"""What fetching measures; no label says whose image it was, nor from where."""

from prometheus_client import Counter, Gauge, Histogram

FETCHES = Counter(
    "eva01_fetches_total", "How many images at addresses were fetched, or were not, and why.", ["outcome"]
)
SECONDS = Histogram(
    "eva01_fetch_seconds",
    "How long a turn took, from the look-up of the image's host to its last byte or its refusal.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 300),
)
BYTES = Counter(
    "eva01_fetched_bytes_total",
    "How many bytes of images came from their addresses, those of images that were refused in the end too.",
)
TURNS = Gauge(
    "eva01_fetch_turns",
    "How many addresses wait for a turn, how many have one, and how many look-ups have outlasted theirs.",
    ["state"],
)
# There from the beginning, as 0.
for _state in ("waiting", "running", "hanging"):
    TURNS.labels(_state)

#: The outcome of an image that came; any other is the code of its refusal.
FETCHED = "fetched"


def count(outcome: str) -> None:
    """Count what came of one address."""
    FETCHES.labels(outcome).inc()
