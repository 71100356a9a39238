"""A whole EVA-01 of real processes: a Redis-compatible server, web, and one worker a model."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest

from scripts.benching_store.servers import Servers
from tests import plain
from tests.processes import Process, free_port, python, redis_answers, wait_until
from tests.tools import VALKEY

_HOME = Path(__file__).parents[2]


@dataclass
class Stack:
    """The processes and where they are, each with its own log in `folder`; `with` it, they are ended."""

    folder: Path
    redis_port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where web answers."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of every process here."""
        return {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "EVA01_DATA": str(self.folder),
            "EVA01_PORT": str(self.web_port),
            "EVA01_MODELS": "nano,ocr",
            "EVA01_HEARTBEAT_S": "0.5",
            "EVA01_DRAIN_S": "30",
        }

    def start(self, name: str, command: list[str], **env: str) -> Process:
        """Start one more process, ended with the stack."""
        process = Process.start(name, command, {**self.env, **env}, self.folder)
        self.processes.append(process)
        return process

    def start_redis(self) -> Process:
        """Start the server with an append-only file in the stack's folder, and wait until it listens."""
        command = [VALKEY.needed(), "--port", str(self.redis_port)]
        command += ["--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        process = self.start("redis", command)
        wait_until(lambda: redis_answers(self.redis_port), "the server answers")
        return process

    def start_web(self, **env: str) -> Process:
        """Start web and wait until it is ready."""
        process = self.start("web", python("web"), **env)
        process.wait_until_ready(f"{self.url}/ready")
        return process

    def start_worker(self, model: str, name: str = "", **env: str) -> Process:
        """Start a worker and wait until it takes jobs."""
        port = free_port()
        command = python("worker", "--model", model)
        process = self.start(name or f"worker-{model}", command, EVA01_WORKER_PORT=str(port), **env)
        process.wait_until_ready(f"http://127.0.0.1:{port}/ready")
        return process

    def command(self, *arguments: object, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run `eva01` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "eva01", *map(str, arguments)],
            env={**self.env, "EVA01_SERVER": self.url, "PYTHONPATH": str(_HOME), "COLUMNS": "200", **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def client(self) -> httpx.Client:
        """An HTTP client for web."""
        return plain.Client(base_url=self.url)

    def end(self) -> None:
        """End all, Redis last."""
        for process in reversed(self.processes):
            process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Redis and web, for all that is only sent to them."""
    with Servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
def empty_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack without any process."""
    with Stack(tmp_path) as stack:
        yield stack


@pytest.fixture
def stack(empty_stack: Stack) -> Stack:
    """A stack with Redis and web; a test starts its own workers."""
    empty_stack.start_redis()
    empty_stack.start_web()
    return empty_stack


@pytest.fixture(scope="module")
def nano_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Redis, web and one worker of `nano`, shared by a file's tests: loading the model takes seconds."""
    with Stack(tmp_path_factory.mktemp("nano")) as stack:
        stack.start_redis()
        stack.start_web()
        stack.start_worker("nano")
        yield stack


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """What is so small takes ten times as long by several threads, which wait for each other."""
    # Only here: most files of this ring do without a library of models.
    import torch

    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(before)
