"""One `nano` under two names, each with a worker of its own: transformers here, vLLM in its environment."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.conftest import Stack
from tests.process.others.scenes import client as client
from tests.process.others.scenes import write_scenes
from tests.process.others.servers import NANO, Vllm
from tests.process.two_engines.served import OURS, SCENES, VLLM, Served

#: A folder for vLLM's environment, of gigabytes; without it nothing here runs.
_VLLM = os.environ.get("VLLM_ENVIRONMENT")
collect_ignore = [] if _VLLM else ["test_same_answers.py", "test_coming_and_going.py"]


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Redis and web."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_web()
        yield stack


@pytest.fixture(scope="package")
def both(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    """The workers, by their engines, once they are ready."""
    environment = Vllm.environment_of_a_worker(Path(str(_VLLM)))
    models = tmp_path_factory.mktemp("models")
    for engine in (OURS, VLLM):
        (models / engine).symlink_to(NANO)
    pythons = {OURS: sys.executable, VLLM: str(environment.python)}
    both = {engine: Served(stack, engine, pythons[engine], models / engine) for engine in (OURS, VLLM)}
    for served in both.values():
        served.start()
    return both


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scenes."""
    return write_scenes(tmp_path_factory.mktemp("scenes"), SCENES)
