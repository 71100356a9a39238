"""How many rows of JSONL a second are exported, by web and within one process."""

import time
from collections.abc import Iterable, Iterator

from jobs.contract.models import Batch, JobState
from scripts.benching_store.load import fill, new_batch
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.report import Line
from web.export.lines import jsonl

_JOBS = 100_000


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """A batch of answered jobs: downloaded from web, and generated without it in this process."""
    servers.start_anew()
    count = min(_JOBS, options.jobs)
    batch = new_batch(servers.stores)
    fill(servers.stores, batch, count, JobState.SUCCEEDED)
    servers.wait_until_quiet()
    by_web = [rate(download(servers, batch), count) for _ in range(options.rounds)]
    yield "JSONL by web (rows/s)", "≥ 60,000 (24,000 before)", by_web, ",.0f"
    rows = servers.stores.store.rows
    within = [rate(map(str.encode, jsonl(rows(batch.id))), count) for _ in range(options.rounds)]
    yield "JSONL within one process (rows/s)", "", within, ",.0f"


def download(servers: Servers, batch: Batch) -> Iterator[bytes]:
    """The batch's results from web, piece by piece."""
    with servers.http.stream("GET", f"/api/batches/{batch.id}/results.jsonl") as response:
        yield from response.iter_raw()


def rate(pieces: Iterable[bytes], count: int) -> float:
    """Rows a second of `count` that are in these pieces."""
    began_s = time.perf_counter()
    lines = sum(piece.count(b"\n") for piece in pieces)
    took_s = time.perf_counter() - began_s
    assert lines == count, f"{lines:,} rows came of {count:,}"
    return count / took_s
