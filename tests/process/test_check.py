"""`eva01 check`: how a model would be served, before anything is started."""

import shutil
from pathlib import Path

import pytest

from tests.process.conftest import Stack
from tests.processes import free_port

pytestmark = pytest.mark.process

NANO = Path(__file__).parents[2] / "worker" / "models" / "nano"


@pytest.fixture
def alone(tmp_path: Path) -> Stack:
    """Nothing runs."""
    return Stack(tmp_path)


def facts(said: str) -> dict[str, str]:
    """What is said of each thing."""
    return dict(line[2:].split("  ", 1) for line in said.splitlines() if line.startswith("  "))


def test_a_model_that_can_be_served(alone):
    ran = alone.command("check", "nano")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[0] == "nano: it can be served."
    said = {about: text.strip() for about, text in facts(ran.stdout).items()}
    assert said["family"] == "qwen2_5_vl (Qwen2_5_VLForConditionalGeneration)"
    assert said["device"].startswith("cpu, ")
    # 2.2 million numbers of four bytes.
    assert said["weights"] == "8.88 MB of memory"
    assert said["batches"].startswith("rolling: up to 9 jobs at once")
    assert said["slots"].startswith("12 jobs in hand")


def test_one_that_cannot_is_a_line_and_2(alone, tmp_path):
    folder = shutil.copytree(NANO, tmp_path / "half")
    (folder / "model.safetensors").unlink()
    ran = alone.command("check", folder)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("The model half could not be loaded. Tried: ")
    assert "Remedy: " in line


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_a_line_and_2(alone, name):
    ran = alone.command("check", name)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "The name of the model is empty. Give a model's name, hub address or folder."
    ]


def test_another_server_that_is_not_there_is_a_line_and_2(alone):
    free = f"http://127.0.0.1:{free_port()}/v1"
    soon = {"EVA01_OPENAI_CONNECT_S": "0.2", "EVA01_OPENAI_LOOK_S": "0.2"}
    ran = alone.command("check", "openai:theirs", EVA01_OPENAI_URL=free, **soon)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "none has answered within 1.2 s. Remedy: start one, or check the address." in ran.stderr
