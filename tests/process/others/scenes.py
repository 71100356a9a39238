"""What the servers are asked about, and how."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eva01 import Client, Job
from tests.files.drawing import Scene, random_scene
from tests.process.conftest import Stack

#: What the model is called here, and what it is asked.
THEIRS, QUESTION = "theirs", "Describe this image."
SCENES = [random_scene(random.Random(seed)) for seed in range(16)]


def write_scenes(folder: Path, scenes: Sequence[Scene] = SCENES) -> Path:
    """Each scene as a PNG, in their order."""
    for number, scene in enumerate(scenes):
        (folder / f"{number:02}.png").write_bytes(scene.encode("PNG", width=300, height=200))
    return folder


@pytest.fixture(scope="package")
def client(stack: Stack) -> Iterator[Client]:
    """Of the web that is there as long as a package's tests run."""
    with Client(stack.url) as client:
        yield client


def send(client: Client, folder: Path, model: str, question: str = QUESTION, **how: Any) -> str:
    """The id of a batch of all scenes, which is closed."""
    batch = client.create_batch(question, model=model, **how)
    assert all(sent.error is None for sent in client.upload_folder(batch.id, folder))
    client.close_batch(batch.id)
    return batch.id


def answers(client: Client, folder: Path, model: str, question: str = QUESTION, **how: Any) -> list[Job]:
    """What a model says of each scene."""
    batch_id = send(client, folder, model, question, **how)
    client.wait(batch_id)
    return sorted(client.results(batch_id), key=lambda job: job.file)
