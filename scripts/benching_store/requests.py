"""A file of requests while no worker runs: until it is there, until each line is a job, and web's memory."""

import json
import random
import time
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from scripts.benching_store.load import MODEL, QUESTION
from scripts.benching_store.options import Options
from scripts.benching_store.servers import Servers
from scripts.fuzzing.meter import most_bytes
from scripts.report import Line

_ENDPOINT = "/v1/chat/completions"
#: Bytes of a line: 50,000 of them are the 200 MB that a file may have.
_LINE_BYTES = 4000
_LOOK_S = 0.2
_MIB = 1024 * 1024


def measure(servers: Servers, options: Options) -> Iterator[Line]:
    """Other images in each round, because those that are stored already are not stored again."""
    servers.start_anew()
    servers.start_housekeeping()
    sending, filling = [], []
    rss = [servers.web_rss_bytes() / _MIB]
    pid = servers.web_process().pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    for seed in range(options.rounds):
        with TemporaryDirectory(prefix="eva01-requests-") as folder:
            file = Path(folder, "requests.jsonl")
            file.write_bytes(b"".join(_lines(options.requests, seed)))
            sent_s, filled_s = _ask(servers, file, options.requests)
        sending.append(sent_s)
        filling.append(filled_s)
        rss.append(servers.web_rss_bytes() / _MIB)
    what = f"{options.requests:,} requests of {_LINE_BYTES / 1000:.0f} kB in a file"
    yield f"{what}: sent, and counted (s)", "", sending, ".1f"
    yield f"{what}: from the call that makes a batch until each is a job (s)", "≤ 60", filling, ".1f"
    yield "memory of web: at first, and after each of them (MiB)", "flat", rss, ",.0f"
    yield "memory of web: at most (MiB)", "flat", [most_bytes(pid) / _MIB], ",.0f"
    servers.stop_housekeeping()


def _ask(servers: Servers, file: Path, count: int) -> tuple[float, float]:
    """Seconds until the file is there, and then until all of its lines are jobs."""
    began_s = time.perf_counter()
    with file.open("rb") as content:
        sent = servers.http.post("/v1/files", data={"purpose": "batch"}, files={"file": (file.name, content)})
    sent_s = time.perf_counter() - began_s
    asked = {"input_file_id": sent.raise_for_status().json()["id"], "endpoint": _ENDPOINT}
    made = servers.http.post("/v1/batches", json={**asked, "completion_window": "24h"}).raise_for_status()
    began_s, address = time.perf_counter(), f"/v1/batches/{made.json()['id']}"
    while (batch := servers.http.get(address).raise_for_status().json())["status"] == "validating":
        time.sleep(_LOOK_S)
    filled_s = time.perf_counter() - began_s
    counts = batch["request_counts"]
    assert counts == {"total": count, "completed": 0, "failed": 0}, counts
    return sent_s, filled_s


def _lines(count: int, seed: int) -> Iterator[bytes]:
    """Requests of exactly the same size in bytes, each about an image of its own."""
    rng = random.Random(seed)
    for number in range(count):
        data = BytesIO()
        Image.new("RGB", (48, 32), tuple(rng.choices(range(256), k=3))).save(data, "PNG")
        image = data.getvalue() + f"{seed}.{number}".encode()
        line = _line(number, image)
        # Three bytes of an image are four of its line.
        yield _line(number, image.ljust(len(image) + (_LINE_BYTES - len(line)) // 4 * 3))


def _line(number: int, image: bytes) -> bytes:
    url = f"data:image/png;base64,{b64encode(image).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    asked = {"custom_id": f"request-{number:05}", "method": "POST", "url": _ENDPOINT, "body": body}
    return json.dumps(asked).encode() + b"\n"
