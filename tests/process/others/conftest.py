"""A server that somebody else wrote, a worker that asks it, and one that has the same model itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.conftest import Stack
from tests.process.others.scenes import THEIRS, write_scenes
from tests.process.others.scenes import client as client
from tests.process.others.servers import NANO, Server, TransformersServe, Vllm

#: A folder for vLLM's environment, of gigabytes: with it vLLM is asked, else transformers.
_VLLM = os.environ.get("VLLM_ENVIRONMENT")
collect_ignore = [] if _VLLM else ["test_vllm.py"]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It, once it answers."""
    folder = tmp_path_factory.mktemp("serving")
    kind = Vllm if _VLLM else TransformersServe
    server = kind(folder, kind.environment(Path(_VLLM) if _VLLM else folder / "environment"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="package")
def stack(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A web, and the two workers."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_web()
        stack.start_worker("nano")
        asks = {"EVA01_OPENAI_URL": f"{server.url}/v1", "EVA01_OPENAI_MODEL": str(NANO)}
        more = {"EVA01_OPENAI_LOOK_S": "0.5", "EVA01_ANSWER_CACHE": "false"}
        stack.start_worker(f"openai:{THEIRS}", name="worker-theirs", **asks, **more)
        yield stack


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scenes."""
    return write_scenes(tmp_path_factory.mktemp("scenes"))
