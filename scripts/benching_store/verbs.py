"""Cancel, retry and delete of a whole batch: how long they take, and that counts are exact meanwhile."""

import random
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import httpx

from jobs.contract import names
from jobs.contract.models import Batch, JobState
from scripts.benching_store.copies import Copy
from scripts.benching_store.load import MODEL, fill, new_batch
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.benching_store.timing import p99, seconds
from scripts.report import Line

_PAGE = 100


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """A batch whose jobs all failed is retried, cancelled and deleted, each many times."""
    servers.start_anew()
    batch = new_batch(servers.stores)
    fill(servers.stores, batch, options.jobs, JobState.FAILED)
    servers.wait_until_quiet()
    verbs = Verbs(servers, batch, options.jobs)
    yield from _repeated(verbs, verbs.retry, "retry", options.calls)
    yield from _settled(verbs, verbs.retry, "retry", JobState.QUEUED)
    yield from _repeated(verbs, verbs.cancel, "cancel", options.calls)
    yield from _repeated(verbs, verbs.delete, "delete", options.calls)
    yield from _settled(verbs, verbs.cancel, "cancel", JobState.CANCELLED)


class Verbs:
    """The calls about one batch; each raises AssertionError when its reply has other counts than expected."""

    def __init__(self, servers: Servers, batch: Batch, count: int) -> None:
        self.servers, self.batch, self.count = servers, batch, count
        self._url = f"/api/batches/{batch.id}"

    def retry(self) -> None:
        """Retry all jobs."""
        view = self._send("POST", "/retry")
        assert view["retried"] == self.count, f"{view['retried']:,} jobs were retried of {self.count:,}"
        self._check(view, JobState.QUEUED)

    def cancel(self) -> None:
        """Cancel all jobs."""
        self._check(self._send("POST", "/cancel"), JobState.CANCELLED)

    def delete(self) -> None:
        """Delete the batch."""
        self._send("DELETE", "")

    def is_unknown(self) -> bool:
        """True when the API answers 404 for the batch."""
        return self.servers.http.get(self._url).status_code == httpx.codes.NOT_FOUND

    def look(self, state: JobState) -> None:
        """Get the batch, all of whose jobs are in this state."""
        self._check(self._send("GET", ""), state)

    def turn_page(self, state: JobState) -> None:
        """Get a page of results in one state, from a random position."""
        cursor = random.randrange(max(1, self.count - _PAGE))
        page = self._send("GET", f"/results?limit={_PAGE}&cursor={cursor}&state={state}")
        states = [job["state"] for job in page["jobs"]]
        assert states == [state] * min(_PAGE, self.count), f"{len(states)} jobs came, as {set(states)}"

    def _check(self, view: dict[str, Any], state: JobState) -> None:
        exact = {one.value: self.count if one is state else 0 for one in JobState}
        assert view["counts"] == exact, f"{view['counts']} is counted, and {exact} is true"

    def _send(self, method: str, below: str) -> dict[str, Any]:
        response = self.servers.http.request(method, self._url + below).raise_for_status()
        return dict(response.json()) if response.content else {}


def _repeated(verbs: Verbs, verb: Callable[[], None], name: str, times: int) -> Iterator[Line]:
    copy = Copy(verbs.servers.redis, verbs.batch)
    took_s = []
    for _ in range(times):
        verbs.servers.wait_until_quiet()
        took_s.append(seconds(verb))
        assert name != "delete" or verbs.is_unknown(), "a deleted batch is still there"
        copy.put_back()
    copy.forget()
    yield f"{name} of {verbs.count:,} jobs: p50 of {times} (ms)", "", [median(took_s) * 1000], ".1f"
    yield f"{name} of {verbs.count:,} jobs: p99 of {times} (ms)", "≤ 50", [p99(took_s) * 1000], ".1f"


def _settled(verbs: Verbs, verb: Callable[[], None], name: str, state: JobState) -> Iterator[Line]:
    """How long reads take from the verb until housekeeping has settled all jobs."""
    servers, looks_s, pages_s = verbs.servers, [], []
    servers.start_housekeeping()
    began_s = time.perf_counter()
    verb()
    is_settled = False
    while not is_settled:
        is_settled = not servers.stores.store.unsettled_batches()
        looks_s.append(seconds(lambda: verbs.look(state)))
        pages_s.append(seconds(lambda: verbs.turn_page(state)))
    took_s = time.perf_counter() - began_s
    servers.stop_housekeeping()
    _check_sets(verbs, state)
    yield f"{name} of {verbs.count:,} jobs: until all are settled (s)", "", [took_s], ".0f"
    yield f"meanwhile, the batch's view: p99 of {len(looks_s):,} (ms)", "", [p99(looks_s) * 1000], ".1f"
    yield f"meanwhile, a page of results: p99 of {len(pages_s):,} (ms)", "", [p99(pages_s) * 1000], ".1f"


def _check_sets(verbs: Verbs, state: JobState) -> None:
    """The set of the state has as many jobs as the counters say, and each queued job has a ticket."""
    servers = verbs.servers
    there = servers.redis.zcard(names.batch_state_key(verbs.batch.id, state))
    assert there == verbs.count, f"{there:,} jobs are settled as {state}, of {verbs.count:,}"
    missing = servers.stores.queue.balance(MODEL).missing
    assert not missing, f"{missing:,} tickets are missing"
