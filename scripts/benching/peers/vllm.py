"""vLLM on a CPU: its loop alone and its server, at each number of sequences; the best of them is its best."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benching.asking import ask
from scripts.benching.found import Found
from scripts.benching.house import ROWS, house, worker
from scripts.benching.loops import Loop, end_left, loop
from scripts.benching.options import ROOT, Options
from scripts.benching.peers.peer import (
    MODEL,
    Ask,
    compare_loops,
    compare_servers,
    in_turn,
    random_model,
)
from scripts.benching.works import SEQUENCES
from scripts.benching.works.work import Work
from tests.process.conftest import Stack
from tests.process.environments import Environment
from tests.process.others.servers import Vllm
from tests.processes import PATIENCE_S, answers_200, free_port, wait_until

#: Its settings besides the number of sequences. All cores are its own, as its page for CPUs advises.
_ENV = {
    "HF_HUB_OFFLINE": "1",
    # Nothing of ours is in its environment.
    "PYTHONPATH": "",
    # Of what is beside the loop; that binds its own.
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "auto",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
}
_SETTINGS = (
    f"vLLM {Vllm.version} (`vllm-cpu`) in fp32, `max_model_len` 1024, no cache of images,"
    " 2 GiB of keys and values, all cores bound, compiled"
)


class _MidSize(Vllm):
    """Its server with the model of a folder."""

    def __init__(self, folder: Path, environment: Environment, model: Path, sequences: int) -> None:
        super().__init__(folder, environment)
        self._model, self._sequences = model, sequences

    def arguments(self) -> list[str]:
        serve = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(self._model)]
        serve += ["--served-model-name", "theirs", "--host", "127.0.0.1", "--port", str(self.port)]
        serve += ["--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", str(self._sequences)]
        return [*serve, "--mm-processor-cache-gb", "0", "--limit-mm-per-prompt", '{"image": 1, "video": 0}']

    def settings(self) -> dict[str, str]:
        return _env(self._environment)


def _measure_loop(sequences: int, options: Options) -> Iterator[Found]:
    environment = Vllm.environment((options.environments / "vllm").resolve())
    yield from compare_loops(
        options, f"vLLM's, {sequences} sequences", _rows(sequences), partial(_loop, environment, sequences)
    )


def _measure_server(sequences: int, options: Options) -> Iterator[Found]:
    environment = Vllm.environment((options.environments / "vllm").resolve())
    theirs = partial(_server, environment, sequences)
    name = f"vLLM's server, {sequences} sequences"
    yield from compare_servers(options, name, _rows(sequences), theirs, count=192, wanted="≥ 1.1")


def _measure_within(options: Options) -> Iterator[Found]:
    """It within a worker of ours, over HTTP, beside it alone."""
    environment = Vllm.environment_of_a_worker((options.environments / "vllm").resolve())
    with random_model() as model, house() as stack, _loop(environment, ROWS, model) as alone:
        _start_worker(stack, environment, model)
        count = options.of(192, 4)
        both = in_turn(model, options, count, lambda tasks: ask(stack.url, MODEL, tasks).per_s, alone.per_s)
    yield Found(f"images/s, vLLM within our worker, over HTTP, {ROWS} rows", [a for a, _ in both])
    yield Found(f"images/s, vLLM's loop alone, {ROWS} sequences", [b for _, b in both])
    yield Found("vLLM within our worker ÷ alone", [a / b for a, b in both], "≥ 0.97")


def _start_worker(stack: Stack, environment: Environment, model: Path) -> None:
    """Start one whose engine is vLLM, and wait until it takes jobs."""
    port = free_port()
    env = {
        **_env(environment),
        **worker(),
        "PYTHONPATH": str(ROOT),
        "EVA01_ENGINE": "vllm",
        "EVA01_DEVICE": "cpu",
        # As it is alone; by itself a worker spares a CPU the minutes of a compiler.
        "EVA01_VLLM_EXTRA": '{"enforce_eager": false}',
        "EVA01_WORKER_PORT": f"{port}",
    }
    stack.start("worker", [str(environment.python), "-m", "worker", "--model", str(model)], **env)
    wait_until(lambda: answers_200(f"http://127.0.0.1:{port}/ready"), "vLLM is ready", 4 * PATIENCE_S)


def _env(environment: Environment) -> dict[str, str]:
    # It asks for this library to be loaded first; it comes with it.
    return _ENV | {"LD_PRELOAD": str(environment.packages.parents[1] / "libiomp5.so")}


def _rows(sequences: int) -> int:
    """How many rows of ours it is compared with."""
    return 16 if sequences <= 16 else 64


def _loop(environment: Environment, sequences: int, model: Path) -> AbstractContextManager[Loop]:
    program = ROOT / "scripts" / "benching" / "peers" / "vllm_loop.py"
    # Without -P the program would find this file under the name of what it imports.
    return loop([str(environment.python), "-P", str(program), str(model), str(sequences)], _env(environment))


@contextmanager
def _server(environment: Environment, sequences: int, model: Path) -> Iterator[Ask]:
    with TemporaryDirectory(prefix="eva01-vllm-") as folder:
        server = _MidSize(Path(folder), environment, model, sequences)
        try:
            server.start()
            yield partial(ask, server.url, "theirs", ignore_eos=True)
        finally:
            server.end()
            if server.process:
                end_left(server.process.popen.pid)


def _work(name: str, sequences: int, how: str, measure: Callable[[int, Options], Iterator[Found]]) -> Work:
    settings = f"{_SETTINGS}, `max_num_seqs` {sequences}; 192 tasks as in W2, {how}."
    return Work(f"{name}, {sequences} sequences", settings, partial(measure, sequences))


WORKS = {
    **{
        f"W3.vllm-loop-{n}": _work("vLLM's loop", n, "no server on either side", _measure_loop)
        for n in SEQUENCES
    },
    **{
        f"W3.vllm-serve-{n}": _work("vLLM's server", n, "all asked at once", _measure_server)
        for n in SEQUENCES
    },
    "W3.vllm-within": Work(
        "vLLM within our worker",
        f"{_SETTINGS}, `max_num_seqs` {ROWS}; 192 tasks as in W2, over HTTP and alone.",
        _measure_within,
    ),
}
