"""Redis, web and workers as real processes, in a folder of their own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.contract.settings import Settings
from jobs.storage.stores import Stores
from scripts.benching.options import ROOT, Options
from tests.process.conftest import Stack
from tests.processes import Process, free_port, python

#: Jobs on the device together, where nothing else is said.
ROWS = 16
#: The model of workers that sleep.
STUB = "stub"


def worker(rows: int = ROWS) -> dict[str, str]:
    """The settings of a worker, or an engine alone, with so many jobs on the device.

    Nothing that was asked before is answered from memory.
    """
    return {"EVA01_ROWS": f"{rows}", "EVA01_SLOTS": f"{rows + rows // 2}", "EVA01_ANSWER_CACHE": "false"}


@contextmanager
def house(*, has_web: bool = True, **env: str) -> Iterator[Stack]:
    """Redis, and web; workers are started by who needs them."""
    with TemporaryDirectory(prefix="eva01-bench-") as folder, Stack(Path(folder)) as stack:
        stack.start_redis()
        if has_web:
            stack.start_web(**env)
        yield stack


def stores_of(stack: Stack) -> Stores:
    """What speaks with its Redis and its blobs."""
    return Stores.connect(Settings(redis_url=stack.env["REDIS_URL"], data=stack.folder))


def start_sleeper(stack: Stack, name: str, takes_s: float, **env: str) -> Process:
    """Start a worker that sleeps for so long over each image, one after the other; it is ready later."""
    command = python("tests.stubs.worker", f"{takes_s:g}")
    return stack.start(name, command, **{"EVA01_ANSWER_CACHE": "false", **env})


def small_model(options: Options) -> str:
    """A model that any machine has; in a miniature none at all."""
    return STUB if options.is_small else "nano"


def start_worker(stack: Stack, model: str) -> None:
    """Start a worker and wait until it takes jobs."""
    if model != STUB:
        stack.start_worker(model, **worker())
        return
    port = free_port()
    process = start_sleeper(stack, "worker", 0.01, EVA01_WORKER_PORT=f"{port}")
    process.wait_until_ready(f"http://127.0.0.1:{port}/ready")


def make_model(folder: Path) -> None:
    """A folder with a model of random weights; made by a process of its own, so that torch is not in ours."""
    subprocess.run(python("scripts.benching.weights", str(folder)), cwd=ROOT, check=True)
