"""Whether models fit into memory together, from their files alone."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from eva01.cli.errors import CommandError
from eva01.launcher.memory import WORKER_BYTES, Free, check_fit, free_here, free_of_gpu
from eva01.launcher.weights import weights_bytes
from jobs.contract.catalog import NANO, OCR, card_for
from jobs.contract.settings import WorkerSettings

ADDRESS = "org/Large-VL"


def write_weights(path: Path, **tensors: tuple[str, list[int], int]) -> None:
    """A file of weights without the weights: of each tensor its format, shape and bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch) -> Path:
    """The folder of a model that was downloaded: 5,000 million numbers, and 1,000 million quantised ones."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    model = tmp_path / "hub/models--org--Large-VL"
    (model / "refs").mkdir(parents=True)
    (model / "refs/main").write_text("abc")
    folder = model / "snapshots/abc"
    write_weights(folder / "a.safetensors", w=("BF16", [5_000_000, 1000], 10**10))
    write_weights(folder / "b.safetensors", q=("U8", [10**9], 10**9))
    write_weights(folder / "consolidated.safetensors", w=("BF16", [5_000_000, 1000], 10**10))
    index = {"weight_map": {"w": "a.safetensors", "q": "b.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_a_models_weights_follow_from_its_files_and_the_format_they_are_loaded_in(hub):
    card = card_for(ADDRESS)
    assert weights_bytes(card, 2) == 11_000_000_000
    assert weights_bytes(card, 4) == 21_000_000_000
    assert weights_bytes(card_for(str(hub)), 2) == 11_000_000_000
    # As `eva01 check nano` measures it, in float32.
    assert weights_bytes(NANO, 4) == pytest.approx(8_880_000, rel=0.01)
    assert weights_bytes(OCR, 4) == weights_bytes(card_for("openai:any"), 4) == 0


def test_what_is_not_here_or_not_whole_is_not_known(hub):
    assert weights_bytes(card_for("org/Elsewhere"), 2) is None
    assert weights_bytes(card_for("s3://bucket/model"), 2) is None
    (hub / "b.safetensors").unlink()
    assert weights_bytes(card_for(ADDRESS), 2) is None
    (hub / "b.safetensors").write_bytes(b"\xff" * 20)
    assert weights_bytes(card_for(ADDRESS), 2) is None


def test_models_that_do_not_fit_are_refused_with_the_numbers(hub):
    free = Free(20_000_000_000, 20_000_000_000)
    cards = (card_for(ADDRESS), NANO, OCR)
    with pytest.raises(CommandError) as caught:
        check_fit(cards, WorkerSettings(), free, can_use_gpu=False)
    assert caught.value.message == (
        "The models do not fit together: they need 24 GB of memory (large-vl 22 GB, nano 1.01 GB, ocr 1 GB),"
        " and 20 GB are free. Nothing was started; name fewer in --models."
    )
    assert check_fit(cards, WorkerSettings(), free, can_use_gpu=True) == []
    assert check_fit(cards, WorkerSettings(dtype="bfloat16"), free, can_use_gpu=False) == []


def test_what_is_not_known_is_said_and_stops_nothing():
    free = Free(2 * WORKER_BYTES)
    (said,) = check_fit((card_for("org/Elsewhere"), OCR), WorkerSettings(), free, can_use_gpu=False)
    assert said == "How much memory elsewhere will take is not known before it is downloaded."
    with pytest.raises(CommandError, match="without the weights of elsewhere"):
        check_fit((card_for("org/Elsewhere"), OCR, NANO), WorkerSettings(), free, can_use_gpu=False)
    free = Free(2 * WORKER_BYTES)
    (said,) = check_fit((NANO,), WorkerSettings(), free, can_use_gpu=True)
    assert said == "How much of the GPU's memory is free is not known: it was not checked."


def test_a_container_has_what_is_left_of_its_limit(tmp_path):
    assert free_here(tmp_path, tmp_path) is None
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert free_here(tmp_path, tmp_path) == 8_192_000
    for name, text in (("max", "5000000"), ("current", "4000000"), ("stat", "anon 1\ninactive_file 500\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert free_here(tmp_path, tmp_path) == 1_000_500
    (tmp_path / "memory.max").write_text("max\n")
    assert free_here(tmp_path, tmp_path) == 8_192_000


def test_nvidias_tool_is_asked_about_the_gpu_that_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert free_of_gpu("auto") is None
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$@" > "$0.asked"\necho 1000\n')
    tool.chmod(0o755)

    def asked(device: str) -> str:
        assert free_of_gpu(device) == 1000 * 1024 * 1024
        return (tmp_path / "nvidia-smi.asked").read_text().split()[-1]

    assert (asked("auto"), asked("cuda"), asked("cuda:1")) == ("0", "0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5")
    assert (asked("auto"), asked("cuda:1")) == ("3", "GPU-5")
    tool.write_text("#!/bin/sh\necho '[N/A]'\n")
    assert free_of_gpu("auto") is None
