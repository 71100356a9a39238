"""How many jobs a second one process creates and queues."""

from collections.abc import Iterator

from scripts.benching_store.load import groups, new_batch
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.benching_store.timing import seconds
from scripts.report import Line

#: Jobs in one call: as many as web creates for a request; as many as one Lua call can create.
_SIZES = (64, 500)
_JOBS = 20_000


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """In groups of both sizes, one after the other."""
    count = min(_JOBS, options.jobs)
    for size in _SIZES:
        found = [count / _seconds(servers, count, size) for _ in range(options.rounds)]
        yield f"jobs created and queued, {size} a call (1/s)", "≥ 5,000 (1,200 before)", found, ",.0f"


def _seconds(servers: Servers, count: int, size: int) -> float:
    servers.start_anew()
    made = [*groups(new_batch(servers.stores), count, size)]
    return seconds(lambda: [servers.stores.store.create_jobs(group) for group in made])
