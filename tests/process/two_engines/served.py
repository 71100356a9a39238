"""A worker of one engine, which may end and be started anew."""

import random
import re
from pathlib import Path

import httpx
import psutil

from tests.files.drawing import random_scene
from tests.process.conftest import Stack
from tests.process.environments import ROOT
from tests.processes import PATIENCE_S, Process, answers_200, free_port, wait_until

#: The engines, each with a model of its name.
OURS, VLLM = "transformers", "vllm"
SCENES = [random_scene(random.Random(seed)) for seed in range(60)]


class Served:
    """A worker whose model has the name of its engine."""

    def __init__(self, stack: Stack, engine: str, python: str, model: Path) -> None:
        self.model = engine
        self._stack, self._port = stack, free_port()
        self._command = [python, "-m", "worker", "--model", str(model)]
        self.process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it takes jobs: vLLM takes a minute."""
        self.process = self._stack.start(
            f"worker-{self.model}",
            self._command,
            EVA01_ENGINE=self.model,
            EVA01_WORKER_PORT=str(self._port),
            EVA01_DEVICE="cpu",
            EVA01_ANSWER_CACHE="false",
            EVA01_LEASE_S="4",
            PYTHONPATH=str(ROOT),
            HF_HUB_OFFLINE="1",
        )
        wait_until(self._is_up, f"{self.model} is ready", 4 * PATIENCE_S)

    def _is_up(self) -> bool:
        assert self.process.popen.poll() is None, self.process.output()
        return answers_200(f"{self.url}/ready")

    def processes(self) -> list[psutil.Process]:
        """It, and all that it has started."""
        own = psutil.Process(self.process.popen.pid)
        return [own, *own.children(recursive=True)]

    def counted(self, what: str) -> float:
        """The sum of one of its metrics."""
        page = httpx.get(f"{self.url}/metrics", timeout=30).text
        found = re.findall(rf"^{re.escape(what)}\{{.*\}} (\S+)$", page, re.MULTILINE)
        assert found, f"there is no {what}"
        return sum(map(float, found))
