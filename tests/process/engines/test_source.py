"""What of a model's folder is loaded: miniatures on disk that would run code."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from jobs.contract.catalog import MODELS_FOLDER, card_for
from jobs.contract.settings import WorkerSettings
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded
from worker.engines.weights.source import Source

NANO = MODELS_FOLDER / "nano"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of nano, with code of its own that leaves a mark when it is run."""
    copy = tmp_path / "evil"
    shutil.copytree(NANO, copy)
    mark = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    (copy / "own.py").write_text(f"{mark}\nclass Own: pass\n")
    return copy


def refusal(folder: Path) -> str:
    with pytest.raises(ModelNotLoaded) as caught:
        create_engine(card_for(str(folder)), WorkerSettings(device="cpu")).load()
    assert not (folder.parent / "ran").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_auto_map(folder: Path, name: str, *, nested: bool = False, **more: object) -> None:
    path = folder / name
    settings = json.loads(path.read_text()) if path.exists() else {}
    own = {"auto_map": {"AutoConfig": "own.Own", "AutoTokenizer": ["own.Own", None]}}
    path.write_text(json.dumps(settings | more | ({"image_processor": own} if nested else own)))


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "tokenizer_config.json", "preprocessor_config.json"],
)
def test_a_folder_that_names_code_of_its_own_is_refused(folder, name):
    with_auto_map(folder, name)
    said = refusal(folder)
    assert f"its {name} names auto_map" in said
    assert "Remedy: take a model that transformers knows by itself" in said


def test_the_code_may_be_named_deep_within(folder):
    with_auto_map(folder, "processor_config.json", nested=True)
    assert "its processor_config.json names auto_map" in refusal(folder)


def test_a_family_that_only_its_own_code_knows_is_refused(folder):
    with_auto_map(folder, "config.json", model_type="evil", architectures=["Own"])
    assert "code that comes with weights is never run" in refusal(folder)


def test_a_folder_that_generates_by_its_own_code_is_refused(folder):
    (folder / "custom_generate").mkdir()
    shutil.move(folder / "own.py", folder / "custom_generate" / "generate.py")
    assert "custom_generate/generate.py" in refusal(folder)


class Runs:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable, tuple]:
        return (open, (str(self._mark), "w"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth", "model.ckpt"])
def test_a_folder_with_pickled_weights_alone_is_refused(folder, name):
    (folder / "model.safetensors").unlink()
    torch.save({"weights": Runs(folder.parent / "ran")}, folder / name)
    said = refusal(folder)
    assert f"its weights are pickled ({name})" in said
    assert "Remedy: take weights as safetensors, or convert these" in said


def test_an_index_that_leads_to_pickled_weights_is_refused(folder):
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    torch.save({"weights": Runs(folder.parent / "ran")}, folder / "part.bin")
    index = {"metadata": {}, "weight_map": {"lm_head.weight": "part.bin"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "its weights are pickled (part.bin)" in refusal(folder)


def test_pickled_weights_beside_safetensors_are_not_touched(folder):
    torch.save({"weights": Runs(folder.parent / "ran")}, folder / "pytorch_model.bin")
    create_engine(card_for(str(folder)), WorkerSettings(device="cpu")).load()
    assert not (folder.parent / "ran").exists()


def test_a_folder_without_weights_says_which_file_is_missing(folder):
    (folder / "model.safetensors").unlink()
    assert "there are no weights (model.safetensors) in it" in refusal(folder)


def test_what_comes_with_us_is_trusted():
    Source(str(NANO)).check()
