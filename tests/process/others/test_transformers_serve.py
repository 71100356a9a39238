"""`transformers serve` with `nano`, asked by a worker of ours: it says what our own engine says."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from eva01 import Client, Job
from tests.drawing import random_scene
from tests.process.conftest import Stack
from tests.process.environments import ROOT, Environment
from tests.processes import PATIENCE_S, Process, answers_200, free_port, wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

#: What serving needs besides our own packages. A torchvision goes with one torch: 0.28 with 2.13.
NEEDED = "fastapi==0.165.0"
TORCHVISION = "torchvision==0.28.0"
NANO = ROOT / "worker" / "models" / "nano"
#: What the model is called here, and what it is asked.
THEIRS, QUESTION = "theirs", "Describe this image."
SCENES = [random_scene(random.Random(seed)) for seed in range(16)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One with what serving needs, and our packages."""
    environment = Environment(tmp_path_factory.mktemp("environment") / "serving")
    environment.install(NEEDED)
    # Without what it needs: a torch of its own, of several gigabytes.
    environment.install("--no-deps", TORCHVISION)
    environment.borrow_packages()
    return environment


@pytest.fixture(scope="module")
def serving(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it answers."""
    port = free_port()
    command = [
        str(environment.python),
        str(Path(__file__).with_name("transformers_serve.py")),
        "serve",
        str(NANO),
    ]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    env = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = Process.start("transformers-serve", command, env, tmp_path_factory.mktemp("serving"))
    try:
        url = f"http://127.0.0.1:{port}/v1"
        wait_until(lambda: answers_200(f"{url}/models"), "it serves", 2 * PATIENCE_S)
        yield url
    finally:
        process.end()


@pytest.fixture(scope="module")
def client(serving: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a web with two workers: one has the model itself, the other asks that server."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_web()
        stack.start_worker("nano")
        asks = {"EVA01_OPENAI_URL": serving, "EVA01_OPENAI_MODEL": str(NANO)}
        stack.start_worker(f"openai:{THEIRS}", name="worker-theirs", **asks)
        with Client(stack.url) as client:
            yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for number, scene in enumerate(SCENES):
        (folder / f"{number:02}.png").write_bytes(scene.encode("PNG", width=300, height=200))
    return folder


def answers(client: Client, folder: Path, model: str, longest: int = 100) -> list[Job]:
    """What a model says of each scene."""
    batch = client.create_batch(QUESTION, model=model, max_new_tokens=longest)
    assert all(sent.error is None for sent in client.upload_folder(batch.id, folder))
    client.close_batch(batch.id)
    client.wait(batch.id)
    return sorted(client.results(batch.id), key=lambda job: job.file)


def test_it_says_what_our_own_engine_says_and_what_is_seen(client, folder):
    ours, theirs = (answers(client, folder, model) for model in ("nano", THEIRS))
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert [job.answer for job in theirs] == [scene.description for scene in SCENES]
    assert {job.finish_reason for job in theirs} == {"stop"}


def test_what_is_cut_is_said_to_be(client, folder):
    ours, theirs = (answers(client, folder, model, longest=4) for model in ("nano", THEIRS))
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert {job.finish_reason for job in theirs} == {"length"}
