"""Bytes of Redis for a queued job: its record, its message, and its entries in sets and lists."""

from collections.abc import Iterator

from jobs.contract.models import JobState
from scripts.benching_store.load import fill, new_batch
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.report import Line

_JOBS = 100_000


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """What Redis uses with a batch of queued jobs, less what it used before."""
    count = min(_JOBS, options.jobs)
    found = [_bytes_a_job(servers, count) for _ in range(options.rounds)]
    yield "Redis: bytes for a queued job", "≤ 1,200 (2,015 before)", found, ",.0f"


def _bytes_a_job(servers: Servers, count: int) -> float:
    servers.start_anew()
    batch = new_batch(servers.stores)
    fill(servers.stores, batch, 1, JobState.QUEUED)
    before = servers.info("memory")["used_memory"]
    fill(servers.stores, batch, count, JobState.QUEUED)
    return float(servers.info("memory")["used_memory"] - before) / count
