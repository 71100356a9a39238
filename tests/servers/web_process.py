"""A web process of the tests' own, and a client of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import plain
from tests.processes import Process, free_port, python


@dataclass
class Server:
    """A web process that serves, and a client of it."""

    process: Process
    http: httpx.Client


@contextmanager
def serving(redis_url: str, folder: Path, *, ready: str = "/ready", **more: str) -> Iterator[Server]:
    """A web with that Redis and data folder, once it answers 200 at `ready`; `more` are its settings."""
    port = free_port()
    env = {
        "REDIS_URL": redis_url,
        "EVA01_DATA": str(folder),
        "EVA01_PORT": str(port),
        "EVA01_MODELS": "nano",
        **more,
    }
    process = Process.start(f"web-{port}", python("web"), env, folder)
    try:
        process.wait_until_ready(f"http://127.0.0.1:{port}{ready}")
        with plain.Client(base_url=f"http://127.0.0.1:{port}") as http:
            yield Server(process, http)
    finally:
        process.end()
