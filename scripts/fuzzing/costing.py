"""Costly requests, sent to a real web: what each takes of its CPU and memory, and what web answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import psutil

from scripts.benching_store.load import MODEL
from scripts.benching_store.servers import Servers
from scripts.fuzzing.costly import KINDS, Request
from scripts.fuzzing.meter import Taken, measured


@dataclass(frozen=True)
class Cost:
    """What one request took, and what web answered."""

    name: str
    sent_bytes: int
    taken: Taken
    status: int
    #: How many rows there were of each outcome, or the code of the refusal.
    outcomes: Counter[str]
    #: Rows that the batch has by its count, and by what web said.
    rows: tuple[int, int]

    @property
    def faults(self) -> Sequence[str]:
        """What must not have happened."""
        found = self.taken.faults("web")
        if self.status >= 500:
            found.append(f"was answered with {self.status}")
        if self.rows[0] != self.rows[1]:
            found.append("has {} rows by the batch's count, and {} by what web said".format(*self.rows))
        return found


def cost(servers: Servers, name: str, share: float = 1.0) -> Cost:
    """Send a request of a kind, `share` of its full size, to a batch of its own that is deleted then."""
    sent = KINDS[name](share)
    # A connection of its own: web closes those of forms that it does not read to their end.
    with servers.new_client() as http:
        return _sent(http, servers.web_process(), name, sent)


def _sent(http: httpx.Client, web: psutil.Process, name: str, sent: Request) -> Cost:
    made = http.post("/api/batches", json={"question": "What?", "model": MODEL})
    address = f"/api/batches/{made.json()['id']}"
    kind = {"Content-Type": sent.content_type, "Connection": "close"}
    with measured(web) as taken:
        reply = http.post(f"{address}/{sent.call}", content=sent.body, headers=kind)
    total = http.get(address).json()["total"]
    http.delete(address)
    said = reply.json()
    files = said.get("files", [])
    outcomes = Counter((one["error"] or {}).get("code") or one["state"] for one in files)
    is_taken = reply.status_code < 300
    return Cost(
        name,
        len(sent.body),
        taken,
        reply.status_code,
        outcomes if is_taken else Counter([said["code"]]),
        (total, sum(one["is_new"] for one in files)),
    )
