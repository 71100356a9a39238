"""A batch of a million answered jobs: its view, pages of results at any place, and all of it as JSONL."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.contract.models import JobState
from scripts.benching.found import Found
from scripts.benching.options import Options
from scripts.benching.works.work import Work
from scripts.benching_store.export import download, rate
from scripts.benching_store.load import fill, new_batch
from scripts.benching_store.servers import Servers
from scripts.benching_store.timing import p99, seconds
from scripts.fuzzing.meter import measured

_PAGE, _MIB = 100, 2**20


def measure(options: Options) -> Iterator[Found]:
    """Views, pages and an export, in turn."""
    count, calls = options.of(1_000_000, 300), options.of(200, 3)
    views, pages, exports, grown = [], [], [], []
    with TemporaryDirectory(prefix="eva01-bench-") as folder, Servers(Path(folder)) as servers:
        servers.start_anew()
        batch = new_batch(servers.stores)
        fill(servers.stores, batch, count, JobState.SUCCEEDED)
        servers.wait_until_quiet()
        view = f"/api/batches/{batch.id}"
        page = view + f"/results?limit={_PAGE}&cursor="
        for _ in range(options.rounds):
            views.append(_p99_ms(servers, lambda: view, calls))
            pages.append(_p99_ms(servers, lambda: f"{page}{random.randrange(count)}", calls))
            with measured(servers.web_process()) as taken:
                exports.append(rate(download(servers, batch), count))
            grown.append(taken.memory_bytes / _MIB)
    yield Found(f"the batch's view: p99 of {calls} (ms)", views, "≤ 20", ".1f")
    yield Found(f"a page of {_PAGE} results at any cursor: p99 of {calls} (ms)", pages, "≤ 50", ".1f")
    yield Found("JSONL of all by web (rows/s)", exports, "≥ 60,000", ",.0f")
    yield Found("web's memory meanwhile, above before (MiB)", grown, "≤ 50", ".1f")


def _p99_ms(servers: Servers, address: Callable[[], str], calls: int) -> float:
    return 1000 * p99([seconds(lambda: servers.http.get(address()).raise_for_status()) for _ in range(calls)])


WORKS = {
    "W6": Work(
        "A batch of a million jobs",
        "1,000,000 answered jobs of one batch, by one client after the other; no worker.",
        measure,
    )
}
