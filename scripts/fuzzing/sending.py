"""Damaged files, sent to a real web: each has a row, or is refused by name, and none takes long."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from scripts.benching_store.load import MODEL
from scripts.benching_store.servers import Servers

#: Images in one request; a zip has one of its own, so that it is known what came of it.
_IMAGES_AT_ONCE = 50
#: Seconds of web's CPU that one request may cost.
MOST_CPU_S = 5.0


@dataclass
class Sent:
    """What became of all files that were sent."""

    #: How many files there were of each outcome: `accepted`, or the code of the refusal.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: What must not have happened, each with the file.
    faults: list[tuple[str, str, bytes]] = field(default_factory=list)
    #: Those that were taken, for the worker.
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    rows: int = 0
    slowest_s: float = 0.0


def send(servers: Servers, files: Sequence[tuple[str, bytes]]) -> Sent:
    """Send all files to one batch, and compare its rows with what web said of each."""
    sent = Sent()
    made = servers.http.post("/api/batches", json={"question": "What?", "model": MODEL})
    made.raise_for_status()
    batch_id = made.json()["id"]
    named = [(f"{number:06}.{ending}", content) for number, (ending, content) in enumerate(files)]
    for group in _requests(named):
        _send(servers, batch_id, group, sent)
    total = servers.http.get(f"/api/batches/{batch_id}").json()["total"]
    if total != sent.rows:
        sent.faults.append(
            (f"{sent.rows:,} files have a row by what web said, and {total:,} by its count", "", b"")
        )
    return sent


def _requests(named: Sequence[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, bytes]]]:
    images = [one for one in named if not one[0].endswith(".zip")]
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        yield images[start : start + _IMAGES_AT_ONCE]
    yield from ([one] for one in named if one[0].endswith(".zip"))


def _send(servers: Servers, batch_id: str, group: Sequence[tuple[str, bytes]], sent: Sent) -> None:
    web = servers.web_process()
    before_s = _cpu_s(web)
    reply = servers.http.post(f"/api/batches/{batch_id}/files", files=[("files", one) for one in group])
    took_s = _cpu_s(web) - before_s
    sent.slowest_s = max(sent.slowest_s, took_s)
    first, content = group[0]
    if took_s > MOST_CPU_S:
        sent.faults.append((f"a request of {len(group)} files took web {took_s:.1f} s", first, content))
    if reply.status_code != 202:
        sent.faults.append((f"web answered {reply.status_code}: {reply.text[:200]}", first, content))
        return
    outcomes = reply.json()["files"]
    sent.rows += sum(outcome["is_new"] for outcome in outcomes)
    for outcome in outcomes:
        sent.outcomes[(outcome["error"] or {}).get("code") or outcome["state"]] += 1
    for name, file in group:
        _look(name, file, reply.json(), sent)


def _look(name: str, content: bytes, reply: dict[str, Any], sent: Sent) -> None:
    """Note a file that nothing was said of, and keep one that was accepted."""
    own = [one for one in reply["files"] if one["file"] == name or one["file"].startswith(f"{name}#")]
    if name.endswith(".zip"):
        if not reply["files"]:
            sent.faults.append(("nothing was said of a zip", name, content))
    elif not own:
        sent.faults.append(("nothing was said of a file", name, content))
    elif own[0]["state"] == "accepted":
        sent.accepted.append((name, content))


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
