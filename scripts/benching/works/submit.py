"""Ten thousand photos by `eva01 submit`, while no worker runs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching.found import Found
from scripts.benching.options import Options
from scripts.benching.works.work import Work
from scripts.benching_store import options as store_options
from scripts.benching_store import upload
from scripts.benching_store.servers import Servers


def measure(options: Options) -> Iterator[Found]:
    """As scripts/bench_store does, and how far web has grown."""
    wanted = store_options.Options(files=options.of(10_000, 40), rounds=options.rounds)
    with TemporaryDirectory(prefix="eva01-bench-") as folder, Servers(Path(folder)) as servers:
        rates, after, most = map(Found.of, upload.measure(servers, wanted))
    yield rates
    yield Found(
        "web's memory at most, above what it had at first (MiB)",
        [most.median - after.rounds[0]],
        "≤ 50",
        ".1f",
    )


WORKS = {
    "W5": Work(
        "Photos by `eva01 submit`",
        "10,000 JPEGs of 50 kB, the command from its start to its end; web and Redis on the same cores.",
        measure,
    )
}
