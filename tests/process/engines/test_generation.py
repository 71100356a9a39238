"""What a folder's generation_config.json says: answers are the same by every path, whatever it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.families.miniatures import NANO, save_llava
from tests.files.drawing import Scene
from tests.stubs.preparing import prepare
from worker.engines import create_engine
from worker.engines.company import Company

IMAGE = Scene("white", (("red", "circle"), ("blue", "square"))).draw()
QUESTION = "Describe the image."
FOLDERS = ("nano", "nano in static batches", "llava")


@pytest.fixture(scope="module")
def llava(tmp_path_factory) -> Path:
    return save_llava(tmp_path_factory.mktemp("models") / "llava")


@pytest.fixture(params=FOLDERS)
def said(request, llava, tmp_path):
    """Says what a model answers whose makers say some more of how it generates."""
    base = llava if request.param == "llava" else NANO
    batching = "static" if "static" in request.param else "auto"

    def answer(**more: Any) -> str:
        folder = Path(shutil.copytree(base, tmp_path / f"{len([*tmp_path.iterdir()])}"))
        path = folder / "generation_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
        settings = WorkerSettings(device="cpu", dtype="float32", batching=batching)
        engine = create_engine(card_for(str(folder)), settings)
        engine.load()
        return answer_of(engine, prepare(engine, IMAGE, QUESTION, Options(max_new_tokens=24)))

    return answer


def answer_of(engine: Any, job: Any) -> str:
    """By the path that the worker would take."""
    if engine.rolling is None:
        return engine.generate([job])[0].text
    engine.rolling.submit(engine.rolling.request(job, company=Company.INNOCENTS, is_interactive=False))
    while not (ended := engine.rolling.turn()):
        pass
    return ended[0].outcome.text


def test_neither_beams_nor_several_answers_nor_chance_change_an_answer(said):
    usual = said()
    assert usual
    assert said(num_beams=3, length_penalty=2.0, early_stopping=True) == usual
    assert said(num_return_sequences=2, do_sample=True, temperature=2.0, min_p=0.1, typical_p=0.5) == usual
    assert said(cache_implementation="offloaded") == usual
    assert said(return_dict_in_generate=True, output_scores=True, max_length=3) == usual
    assert said(token_healing=True, is_assistant=True, assistant_early_exit=1, stop_strings=[""]) == usual


def test_an_answer_ends_at_the_texts_of_the_models_makers(said):
    usual = said()
    stop = usual[len(usual) // 2 :][:2]
    cut = usual[: usual.index(stop)].strip()
    assert said(stop_strings=[stop]) == cut
    assert said(stop_strings=stop) == cut
