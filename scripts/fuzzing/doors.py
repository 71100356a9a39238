"""Every door by which a file comes in: what is sent there, and what has to be said of it.

`CALLS` are those that the OpenAPI document has; a file comes in by no other call of it, or there is a fault.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import httpx

from jobs.contract import names
from jobs.contract.codes import Code
from scripts.benching_store.load import MODEL
from scripts.benching_store.servers import KEY, ROOT, Servers
from scripts.fuzzing.damage import File
from scripts.fuzzing.meter import MOST_BYTES, Taken, measured, most_bytes
from scripts.fuzzing.tally import Tally
from tests.files.hostile import zipped

#: Files in one request, in a zip, and in a folder.
_AT_ONCE, _IN_A_ZIP, _IN_A_FOLDER = 50, 10, 500
_ASKED = {"question": "What?", "model": MODEL}
#: Seconds of CPU that the command may take for a folder; its start takes one.
_CPU_A_FOLDER_S = 30.0
#: Seconds between two looks at the command's memory.
_LOOK_S = 0.01
#: What the command says when each file has a job, some have none, or all have none.
_SAID = (0, 1, 2)
_OK = 300
#: What a file that is sent alone may be refused for.
_OF_FILES = frozenset(
    {
        *(Code.NOT_AN_IMAGE, Code.TRUNCATED_IMAGE, Code.UNSUPPORTED_FORMAT, Code.EMPTY_FILE),
        *(Code.TOO_MANY_PIXELS, Code.IMAGE_TOO_LONG, Code.TOO_MANY_PAGES, Code.IMAGE_TOO_LARGE),
        *(Code.PDF_PASSWORD, Code.PDF_TOO_COSTLY),
    }
)

Door = Callable[[Servers, Sequence[File], Tally], None]


def to_batches(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """Some at a time to a batch."""
    address = _new_batch(servers)
    for group in _groups(files, _AT_ONCE):
        _send_group(servers, address, {one.name: one.content for one in group}, group, tally)
    _compare(servers, address, tally)


def in_zips(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """Damaged files in whole zips: each is an entry, and has a row."""
    address = _new_batch(servers)
    for number, group in enumerate(_groups(files, _IN_A_ZIP)):
        packed = zipped({f"{number}/{one.name}": one.content for one in group})
        _send_group(servers, address, {f"{number}.zip": packed}, group, tally, folder=f"{number}/")
    _compare(servers, address, tally)


def as_zips(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """Damaged zips: of each something is said."""
    address = _new_batch(servers)
    for file in files:
        _send_group(servers, address, {file.name: file.content}, [], tally, many=1)
    _compare(servers, address, tally)


def sent_twice(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """To a batch, and once more under the same Idempotency-Key: the second time nothing is done."""
    address = _new_batch(servers)
    for number, group in enumerate(_groups(files, _AT_ONCE)):
        sent = {one.name: one.content for one in group}
        first = _send_group(servers, address, sent, group, tally, key=f"{number}")
        with _watched(servers, group, tally):
            again = _post(servers, address, sent, key=f"{number}")
        is_repeated = again.headers.get("Idempotency-Replayed") == "true"
        if first.status_code == httpx.codes.ACCEPTED and not (is_repeated and again.json() == first.json()):
            tally.fault(f"the second time web answered {again.status_code}: {again.text[:200]}", group[0])
    _compare(servers, address, tally)


def by_their_hashes(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """Named by their hashes to a second batch, which takes those that a first one has taken."""
    first, second = _new_batch(servers), _new_batch(servers)
    for group in _groups(files, _AT_ONCE):
        tally.sent += len(group)
        there = _post(servers, first, {one.name: one.content for one in group}).raise_for_status().json()
        known = [{"file": one.name, "sha256": hashlib.sha256(one.content).hexdigest()} for one in group]
        with _watched(servers, group, tally):
            reply = servers.http.post(f"{second}/known", json={"files": known})
        if reply.status_code != httpx.codes.OK:
            tally.fault(f"web answered {reply.status_code}: {reply.text[:200]}", group[0])
            continue
        outcomes = reply.json()["files"]
        tally.rows += sum(outcome["is_new"] for outcome in outcomes)
        states = {outcome["file"]: outcome["state"] for outcome in outcomes}
        _look(group, states, tally)
        taken = {outcome["file"] for outcome in there["files"] if not outcome["error"]}
        for file in group:
            if (states.get(file.name) == "accepted") != (file.name in taken):
                tally.fault(f"it is {states.get(file.name)}", file)
    _compare(servers, second, tally)


def by_the_page(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """By the form of the page, as a browser without scripts sends it."""
    for group in _groups(files, _AT_ONCE):
        sent = [("files", (one.name, one.content)) for one in group]
        tally.sent += len(group)
        with _watched(servers, group, tally):
            reply = servers.http.post("/batches", data=_ASKED, files=sent)
        if reply.status_code != httpx.codes.SEE_OTHER:
            tally.fault(f"web answered {reply.status_code}: {reply.text[:200]}", group[0])
            continue
        address = f"/api{reply.headers['Location'].split('?')[0]}"
        rows = _rows(servers, address)
        tally.rows += len(rows)
        _look(group, rows, tally)


def one_by_one(address: str, **fields: int) -> Door:
    """One in a call, which gives its job, or refuses it."""

    def send(servers: Servers, files: Sequence[File], tally: Tally) -> None:
        before = int(servers.redis.zcard(names.SINGLE_JOBS))
        for file in files:
            tally.sent += 1
            with _watched(servers, [file], tally):
                sent = {"file": (file.name, file.content)}
                reply = servers.http.post(address, data=_ASKED | fields, files=sent)
            said = reply.json()
            if reply.status_code >= _OK and said.get("code") not in _OF_FILES:
                tally.fault(f"web answered {reply.status_code}: {reply.text[:200]}", file)
            else:
                tally.rows += 1
                tally.note(said.get("code", "accepted"))
        made = int(servers.redis.zcard(names.SINGLE_JOBS)) - before
        if made != tally.outcomes["accepted"]:
            tally.fault(f"{tally.outcomes['accepted']:,} were accepted, and there are {made:,}")

    return send


def by_the_command(servers: Servers, files: Sequence[File], tally: Tally) -> None:
    """In a folder that `eva01 submit` reads."""
    for group in _groups(files, _IN_A_FOLDER):
        with TemporaryDirectory(prefix="eva01-folder-") as folder:
            _submit(servers, Path(folder), group, tally)


DOORS: Mapping[str, Door] = {
    "`POST /api/batches/{id}/files`, 50 at a time": to_batches,
    "the same, 10 in a whole zip": in_zips,
    "the same, each request twice under its `Idempotency-Key`": sent_twice,
    "`POST /api/batches/{id}/known`, once they are there": by_their_hashes,
    "the page's form, without scripts": by_the_page,
    "`POST /api/jobs`": one_by_one("/api/jobs"),
    "`POST /analyze`": one_by_one("/analyze", wait=0),
    "`eva01 submit FOLDER`": by_the_command,
}
#: That of zips which are damaged themselves.
OF_ZIPS = "damaged zips", as_zips
CALLS = frozenset({"/api/batches/{batch_id}/files", "/api/jobs", "/analyze"})
#: Takes a file of requests, the images in which are text.
_OF_REQUESTS = "/v1/files"


def unknown_doors(servers: Servers) -> set[str]:
    """Calls of the OpenAPI document that take a file and are not in `CALLS`."""
    document = servers.http.get("/openapi.json").json()
    found = {path for path, calls in document["paths"].items() if _takes_files(calls, document)}
    return (found - {_OF_REQUESTS}) ^ CALLS


def _takes_files(calls: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    bodies = [json.dumps(call["requestBody"]) for call in calls.values() if "requestBody" in call]
    schemas = document["components"]["schemas"]
    named = [json.dumps(schema) for name, schema in schemas.items() if any(f'/{name}"' in b for b in bodies)]
    return any('"binary"' in text for text in (*bodies, *named))


def _new_batch(servers: Servers) -> str:
    made = servers.http.post("/api/batches", json=_ASKED)
    return str(made.raise_for_status().headers["Location"])


def _groups(files: Sequence[File], size: int) -> Iterator[Sequence[File]]:
    for start in range(0, len(files), size):
        yield files[start : start + size]


@contextmanager
def _watched(servers: Servers, group: Sequence[File], tally: Tally) -> Iterator[None]:
    """Note what a request takes of web."""
    with measured(servers.web_process()) as taken:
        yield
    tally.took(taken)
    for fault in taken.faults("web"):
        tally.fault(fault, *group[:1])


def _send_group(
    servers: Servers,
    address: str,
    sent: Mapping[str, bytes],
    group: Sequence[File],
    tally: Tally,
    *,
    folder: str = "",
    many: int = 0,
    key: str = "",
) -> httpx.Response:
    """Send some files or a zip, in which the files of `group` are named below `folder`; gives the reply."""
    tally.sent += many or len(group)
    with _watched(servers, group, tally):
        reply = _post(servers, address, sent, key)
    if reply.status_code != httpx.codes.ACCEPTED:
        tally.fault(f"web answered {reply.status_code}: {reply.text[:200]}", *group[:1])
        return reply
    outcomes = reply.json()["files"]
    tally.rows += sum(outcome["is_new"] for outcome in outcomes)
    if not outcomes:
        tally.fault(f"nothing was said of {next(iter(sent))}", content=next(iter(sent.values())))
    if not group:
        tally.noted += bool(outcomes)
        for outcome in outcomes:
            tally.outcomes[_code(outcome)] += 1
    _look(group, {outcome["file"].removeprefix(folder): _code(outcome) for outcome in outcomes}, tally)
    return reply


def _post(servers: Servers, address: str, sent: Mapping[str, bytes], key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    files = [("files", one) for one in sent.items()]
    return servers.http.post(f"{address}/files", files=files, headers=headers)


def _code(outcome: Mapping[str, Any]) -> str:
    return str((outcome["error"] or {}).get("code") or "accepted")


def _look(group: Sequence[File], rows: Mapping[str, str], tally: Tally) -> None:
    """Note what became of each file, and each that nothing was said of; a page of one is enough."""
    for file in group:
        own = [code for name, code in rows.items() if name == file.name or name.startswith(f"{file.name}#")]
        if own:
            tally.note(own[0])
        else:
            tally.fault("nothing was said of it", file)


def _rows(servers: Servers, address: str) -> dict[str, str]:
    """The rows of a batch, and how each is refused or not."""
    lines = servers.http.get(f"{address}/results.jsonl").raise_for_status().text.splitlines()
    jobs = [json.loads(line) for line in lines]
    total = servers.http.get(address).json()["total"]
    if total != len(jobs):
        raise AssertionError(f"{address} has {total} rows by its count, and {len(jobs)} in its export")
    return {job["file"]: _code(job) for job in jobs}


def _compare(servers: Servers, address: str, tally: Tally) -> None:
    total = servers.http.get(address).json()["total"]
    if total != tally.rows:
        tally.fault(f"{tally.rows:,} rows by what web said, and {total:,} by the batch's count")


def _most_bytes_until_it_ends(pid: int) -> int:
    """The most memory that a process has had; what waiting for it says begins with what its parent has."""
    most = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        with suppress(OSError, ValueError):
            most = max(most, most_bytes(pid))
        time.sleep(_LOOK_S)
    return most


def _submit(servers: Servers, folder: Path, group: Sequence[File], tally: Tally) -> None:
    for number, file in enumerate(group):
        path = folder / f"{number % 7}" / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content)
    command = [sys.executable, "-m", "eva01", "submit", str(folder), "--json", "--no-wait"]
    command += ["-m", MODEL, "-q", "What?"]
    env = os.environ | {"EVA01_SERVER": servers.url, "EVA01_KEY": KEY, "PYTHONPATH": str(ROOT)}
    tally.sent += len(group)
    with TemporaryFile() as out, TemporaryFile() as err:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=err)
        most = _most_bytes_until_it_ends(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, errors = out.read(), err.read().decode(errors="replace")
    taken_s = used.ru_utime + used.ru_stime
    if process.returncode not in _SAID or "Traceback" in errors or not said:
        tally.fault(f"the command ended with {process.returncode}: {errors[-500:]}", group[0])
        return
    tally.took(Taken(taken_s, most))
    if taken_s > _CPU_A_FOLDER_S or most > MOST_BYTES:
        tally.fault(f"the command took {taken_s:.1f} s of CPU and {most / 1e6:.0f} MB", group[0])
    told = json.loads(said)
    rows = _rows(servers, f"/api/batches/{told['id']}")
    tally.rows += len(rows)
    left_out = [(name, kind["kind"]) for kind in told["left_out"] for name in kind["files"]]
    unsent = [(one["file"], one["error"]["code"]) for one in told["not_sent"] if one["file"] not in rows]
    tally.rows += len(left_out) + len(unsent)
    every = {Path(name).name: f"left out: {kind}" for name, kind in left_out}
    every |= {Path(name).name: code for name, code in (*unsent, *rows.items())}
    _look(group, every, tally)
