"""Whether a page of results and a batch's view take longer the larger the batch is."""

import random
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from jobs.contract.models import Batch, JobState
from scripts.benching_store.load import fill, new_batch
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.benching_store.timing import seconds
from scripts.report import Line

SIZES = (1_000, 10_000, 100_000, 1_000_000)
#: What is asked for below a batch's address; `half` is a place in its middle.
_ASKED = {
    "page of 100 results, at the beginning": "/results?limit=100",
    "page of 100 results, in the middle": "/results?limit=100&cursor={half}",
    "page of 100 results, those that failed": "/results?limit=100&state=failed",
    "page of 100 results, those that failed, in the middle": "/results?limit=100&state=failed&cursor={half}",
    "batch's view": "",
}


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """Batches of all sizes, read alternately, so that all are measured under the same load."""
    servers.start_anew()
    sizes = [size for size in SIZES if size < options.jobs] + [min(SIZES[-1], options.jobs)]
    batches = {size: _batch(servers, size) for size in sizes}
    servers.wait_until_quiet()
    for what, address in _ASKED.items():
        rounds = [_p50s(servers, batches, address, options.calls) for _ in range(options.rounds)]
        for size in sizes:
            yield f"{what}, of {size:,} jobs: p50 (ms)", "", [p50s[size] * 1000 for p50s in rounds], ".2f"
        ratios = [p50s[sizes[-1]] / p50s[sizes[0]] for p50s in rounds]
        yield f"{what}: {sizes[-1]:,} jobs ÷ {sizes[0]:,} jobs", "≤ 1.10", ratios, ".2f"


def _batch(servers: Servers, size: int) -> Batch:
    batch = new_batch(servers.stores)
    fill(servers.stores, batch, size, JobState.SUCCEEDED, JobState.FAILED)
    return batch


def _p50s(servers: Servers, batches: dict[int, Batch], address: str, calls: int) -> dict[int, float]:
    took_s = defaultdict(list)
    for _ in range(calls):
        # In random order, so that no size is always measured right after the largest.
        for size, batch in random.sample([*batches.items()], len(batches)):
            url = f"/api/batches/{batch.id}" + address.format(half=size // 2)
            took_s[size].append(seconds(lambda: servers.http.get(url).raise_for_status()))  # noqa: B023
    return {size: median(values) for size, values in took_s.items()}
