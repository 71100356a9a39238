"""Servers of others: what each is installed from, and how it is started with the model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching.asking import ask
from scripts.benching.found import Found
from scripts.benching.house import ROWS
from scripts.benching.loops import end_left
from scripts.benching.options import ROOT, Options
from scripts.benching.peers.peer import Ask, compare_servers
from scripts.benching.works.work import Work
from tests.process.environments import Environment
from tests.process.others.servers import TransformersServe
from tests.processes import PATIENCE_S, Process, answers_200, free_port, wait_until
from worker.ops.cores import SHARED

_PROGRAMS = ROOT / "scripts" / "benching" / "peers"
_BATCHES = "16 requests a batch, 50 ms until one is full, `generate` with our faster layers, fp32"


@dataclass(frozen=True)
class Server:
    """A server, in an environment of its own that borrows our torch and transformers."""

    name: str
    #: What pip installs.
    packages: Sequence[str]
    #: What its Python is told; `{model}` and `{port}` are put in.
    arguments: Sequence[str]
    #: The path that answers 200 once it serves.
    ready: str
    settings: str
    #: Makes its environment, where more than `packages` is needed.
    environment: Callable[[Path], Environment] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    #: What it calls the model; its folder where None.
    model: str | None = "theirs"
    takes_lists: bool = False

    def work(self) -> Work:
        """It beside ours."""
        settings = f"{', '.join(self.packages)}; {self.settings}; 48 tasks as in W2, all asked at once."
        return Work(self.name, settings, self._measure)

    def _measure(self, options: Options) -> Iterator[Found]:
        folder = options.environments / self.name.replace(" ", "-")
        environment = self.environment(folder) if self.environment else self._borrowing(folder)
        yield from compare_servers(options, self.name, ROWS, partial(self._started, environment), count=48)

    def _borrowing(self, folder: Path) -> Environment:
        """Made once, and again when other packages are wanted."""
        environment, stamp = Environment(folder), folder / "installed.txt"
        wanted = "\n".join(self.packages)
        if not stamp.exists() or stamp.read_text() != wanted:
            environment.install(*self.packages)
            environment.borrow_packages()
            stamp.write_text(wanted)
        return environment

    @contextmanager
    def _started(self, environment: Environment, model: Path) -> Iterator[Ask]:
        port = free_port()
        put_in = {"model": str(model), "port": str(port)}
        # Without -P a program would find its neighbours under the names of what it imports.
        command = [str(environment.python), "-P", *(word.format(**put_in) for word in self.arguments)]
        env = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "PEER_MODEL": str(model)}
        env |= {**SHARED, **self.env}
        with TemporaryDirectory(prefix="eva01-peer-") as folder:
            process = Process.start("peer", command, env, Path(folder))
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(process, f"{url}{self.ready}")
                yield partial(ask, url, self.model or str(model), takes_lists=self.takes_lists)
            finally:
                process.end()
                end_left(process.popen.pid)


def _wait(process: Process, url: str) -> None:
    def serves() -> bool:
        assert process.popen.poll() is None, f"it ended: {process.output().strip().splitlines()[-1:]}"
        return answers_200(url)

    wait_until(serves, "it serves", 2 * PATIENCE_S)


def _not_converted(options: Options) -> Iterator[Found]:
    reason = "its converter takes only tokenizers that it knows by a hash (its issue 9927), which ours is not"
    yield Found("llama.cpp's server", reason=f"not run: {reason}")


WORKS = {
    "W3.transformers": Server(
        "transformers serve",
        ["transformers as ours", "fastapi", "torchvision without CUDA's operators"],
        [
            *(f"{ROOT}/tests/process/others/transformers_serve.py", "serve", "{model}"),
            *("--host", "127.0.0.1", "--port", "{port}", "--device=cpu", "--dtype=float32"),
        ],
        "/v1/models",
        "one request after the other, as it has no other way for images",
        environment=TransformersServe.environment,
        model=None,
    ).work(),
    "W3.litserve": Server(
        "LitServe",
        ["litserve==0.2.19"],
        [f"{_PROGRAMS}/litserve_app.py", "{model}", "{port}"],
        "/health",
        f"one process for the model, {_BATCHES}",
    ).work(),
    "W3.ray": Server(
        "Ray Serve",
        ["ray[serve]==2.60.0"],
        [f"{_PROGRAMS}/ray_app.py", "{model}", "{port}"],
        "/-/healthz",
        f"`@serve.batch`, one replica, {_BATCHES}",
        env={"RAY_USAGE_STATS_ENABLED": "0"},
    ).work(),
    "W3.bentoml": Server(
        "BentoML",
        ["bentoml==1.4.40"],
        [
            "-m",
            "bentoml",
            "serve",
            "scripts.benching.peers.bentoml_app:Chat",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
        ],
        "/readyz",
        "`batchable`, one worker, 16 requests a batch, which it gathers as its own measure says",
        env={"BENTOML_DO_NOT_TRACK": "True"},
        takes_lists=True,
    ).work(),
    "W3.llama": Work("llama.cpp's server", "Not run.", _not_converted),
}
