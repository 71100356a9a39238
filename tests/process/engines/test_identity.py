"""The identity of an engine, which is part of a cached answer's key."""

import os
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from jobs.contract.catalog import NANO, OCR, card_for, place_of
from jobs.contract.settings import WorkerSettings
from worker.engines import create_engine
from worker.engines.weights import identity
from worker.engines.weights.identity import weights_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_a_folder_is_what_is_in_it_wherever_it_lies_and_whenever_it_was_written(folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("elsewhere")
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
        os.utime(copy / file.name, (1, 1))
    assert weights_of(str(folder)) == weights_of(str(copy))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "chat_template.jinja"])
def test_a_file_that_changes_changes_it(folder, name):
    before = weights_of(str(folder))
    (folder / name).write_bytes(b"other!!")
    assert weights_of(str(folder)) != before


def test_a_large_file_is_told_by_its_time(folder, monkeypatch):
    monkeypatch.setattr(identity, "_READ_WHOLE", 4)
    before = weights_of(str(folder))
    os.utime(folder / "model.safetensors", (1, 1))
    assert weights_of(str(folder)) != before


def test_a_model_of_the_hub_is_the_revision_that_was_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    main = tmp_path / "models--Qwen--any" / "refs" / "main"
    main.parent.mkdir(parents=True)
    for revision in ("abc", "def"):
        main.write_text(revision)
        snapshot = tmp_path / "models--Qwen--any" / "snapshots" / revision
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
        assert weights_of("Qwen/any") == f"Qwen/any@{revision}"


def test_a_revision_that_cannot_be_known_is_like_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert weights_of("Qwen/any") != weights_of("Qwen/any")


def loaded(**settings: Any) -> str:
    engine = create_engine(NANO, WorkerSettings(device="cpu", **settings))
    engine.load()
    return engine.identity


def test_pixels_and_number_format_decide_answers_and_how_many_fit_does_not():
    plain = loaded(dtype="float32")
    others = [loaded(dtype="bfloat16"), loaded(dtype="float32", max_pixels=50_000)]
    assert len({plain, *others}) == 3
    assert loaded(dtype="float32", batch_tokens=100, slots=3) == plain


def test_the_same_weights_under_another_name_are_the_same():
    engine = create_engine(card_for(place_of(NANO.source)), WorkerSettings(device="cpu", dtype="float32"))
    engine.load()
    assert engine.identity == loaded(dtype="float32")


def test_ocr_is_its_library():
    assert create_engine(OCR, WorkerSettings()).identity.startswith("rapidocr ")
