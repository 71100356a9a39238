"""A model's files out of a bucket, here a folder that is read as one."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from obstore.exceptions import PreconditionError
from obstore.store import from_url

from jobs.contract.catalog import MODELS_FOLDER, card_for
from jobs.contract.settings import WorkerSettings
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded
from worker.engines.weights import bucket
from worker.engines.weights.bucket import fetch
from worker.engines.weights.identity import weights_of


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A bucket with nano in it."""
    return Path(shutil.copytree(MODELS_FOLDER / "nano", tmp_path / "there" / "nano"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models are fetched to."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("part_bytes", [1000, 1 << 30])
def test_every_file_is_fetched_as_it_is_in_however_many_parts(there, monkeypatch, part_bytes):
    monkeypatch.setattr(bucket, "_PART_BYTES", part_bytes)
    (there / "empty.json").touch()
    wanted = {name: data for name, data in files_of(there).items() if name != "README.md"}
    assert files_of(fetch(there.as_uri(), streams=3)) == wanted


def test_neither_pickles_nor_code_are_fetched(there):
    for name in ("pytorch_model.bin", "modeling.py", "custom_generate/generate.py"):
        (there / name).parent.mkdir(exist_ok=True)
        (there / name).write_bytes(b"x")
    folder = fetch(there.as_uri(), streams=2)
    assert {path.suffix for path in folder.rglob("*")} == {".json", ".jinja", ".safetensors"}


def test_what_is_there_already_is_not_read_again_and_what_changed_is(there):
    folder = fetch(there.as_uri(), streams=2)
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    name = weights_of(str(folder))
    assert fetch(there.as_uri(), streams=2) == folder
    # What is read gets its name anew.
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before

    weights = there / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    (there / "generation_config.json").unlink()
    fetch(there.as_uri(), streams=2)
    changed = {path.name for path in folder.iterdir() if path.stat().st_ino != before[path.name]}
    assert changed == {weights.name}
    assert files_of(folder)[weights.name] == weights.read_bytes()
    assert "generation_config.json" not in files_of(folder)
    assert weights_of(str(folder)) != name


def test_workers_of_all_machines_have_the_same_weights_by_name(there, tmp_path, monkeypatch):
    # As if the weights were too large to be hashed whole.
    monkeypatch.setattr("worker.engines.weights.identity._READ_WHOLE", 0)
    here = weights_of(str(fetch(there.as_uri(), streams=2)))
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "other"))
    assert weights_of(str(fetch(there.as_uri(), streams=2))) == here


def test_a_file_that_is_replaced_after_it_was_listed_is_not_mixed_with_its_successor(there, tmp_path):
    store = from_url(there.as_uri())
    listed = bucket._listed(store)
    Path(shutil.copy(there / "model.safetensors", tmp_path / "new")).replace(there / "model.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PreconditionError):
        bucket._read(store, listed, tmp_path / "folder", streams=2)
    assert not (tmp_path / "folder" / "model.safetensors").exists()


def test_where_there_is_no_model_the_worker_says_so_and_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    address = (tmp_path / "empty").as_uri()
    with pytest.raises(ModelNotLoaded) as caught:
        create_engine(card_for(address), WorkerSettings(device="cpu")).load()
    said = str(caught.value)
    assert "\n" not in said
    assert address in said
    assert "no config.json with weights as safetensors" in said
    assert "MODEL_NAME" in said


def test_everyone_sees_a_models_name_and_not_its_bucket():
    card = card_for("qwen2.5-vl-7b", "s3://secret-bucket/models/Qwen2.5-VL-7B-Instruct")
    assert card.name == "qwen2.5-vl-7b"
    assert "secret-bucket" not in card.description
