"""The table of docs/models.md: what each family of models does here, as a miniature of it shows.

    .venv/bin/python -m scripts.families            the table, and what is no longer as it says
    .venv/bin/python -m scripts.families --write    puts it into the page

A miniature has random weights and the makers' processor; a test compares the page with each of them.
"""

import random
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import transformers

from jobs.contract.asking.chat import question_about
from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from scripts.report import write
from tests.families import FAMILIES
from tests.families.miniatures import NANO, save_llava
from tests.files.drawing import random_scene
from worker.engines import create_engine
from worker.engines.base import Answer, ModelNotLoaded

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
_SECTION = "families"
#: Bytes of a number of the weights on a GPU: bfloat16.
_BYTES = 2
_BILLIONS = re.compile(r"-(\d+(?:\.\d+)?)[bB]\b")


class Known(NamedTuple):
    """A family, and a model of it on the hub, mostly the one that transformers' own documentation names."""

    title: str
    example: str


#: By the name of its miniature.
KNOWN = {
    "qwen2_5_vl": Known("Qwen2.5-VL", "Qwen/Qwen2.5-VL-7B-Instruct"),
    "qwen3_vl": Known("Qwen3-VL", "Qwen/Qwen3-VL-4B-Instruct"),
    "qwen3_vl_moe": Known("Qwen3-VL-MoE", "Qwen/Qwen3-VL-30B-A3B-Instruct"),
    "qwen3_5": Known("Qwen3.5", "Qwen/Qwen3.5-27B"),
    "glm4v": Known("GLM-4V", "zai-org/GLM-4.1V-9B-Thinking"),
    "idefics3": Known("Idefics3", "HuggingFaceM4/Idefics3-8B-Llama3"),
    "internvl": Known("InternVL", "OpenGVLab/InternVL3-1B-hf"),
    "llava": Known("LLaVA", "llava-hf/llava-1.5-7b-hf"),
    "llava_next": Known("LLaVA-NeXT", "llava-hf/llava-v1.6-mistral-7b-hf"),
    "llava_onevision": Known("LLaVA-OneVision", "llava-hf/llava-onevision-qwen2-7b-ov-hf"),
    "mllama": Known("Llama 3.2 Vision", "meta-llama/Llama-3.2-11B-Vision-Instruct"),
    "gemma3": Known("Gemma 3", "google/gemma-3-4b-it"),
    "gemma4": Known("Gemma 4", "google/gemma-4-e2b-it"),
    "t5gemma2": Known("T5Gemma 2", "google/t5gemma-2-270m-270m"),
    "got_ocr2": Known("GOT-OCR2", "stepfun-ai/GOT-OCR-2.0-hf"),
    "deepseek_ocr2": Known("DeepSeek-OCR-2", "deepseek-community/DeepSeek-OCR-2"),
    "lfm2_vl": Known("LFM2-VL", "LiquidAI/LFM2-VL-1.6B"),
}


def makers() -> dict[str, Callable[[Path], Path]]:
    """What makes the folder of each."""
    return {"qwen2_5_vl": lambda _: NANO, "llava": save_llava, **FAMILIES}


def row(name: str, engine: Any) -> str:
    """The line of a family, of which `engine` is loaded, or is why it could not be (ModelNotLoaded)."""
    known = KNOWN[name]
    cells = [f"{known.title} (`{name}`)", f"[{known.example}](https://huggingface.co/{known.example})"]
    cells += [_size(known.example)]
    if isinstance(engine, ModelNotLoaded):
        assert "needs torchvision" in str(engine), engine
        return _line([*cells, "with torchvision", "", "", "[torchvision](configuration.md#on-a-gpu)"])
    return _line([*cells, "yes", _batches(engine), _several(engine), ""])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _size(example: str) -> str:
    """Memory of its weights, where its name says how many there are, which is rounded down."""
    found = _BILLIONS.search(example)
    return f"≥ {float(found[1]) * _BYTES:.3g} GB" if found else "?"


def _batches(engine: Any) -> str:
    if engine.rolling:
        return "rolling"
    return "static" if engine.max_batch > 1 else "a job at a time"


def _several(engine: Any) -> str:
    """Whether a job may have several images: it is asked about two."""
    seen = [engine.see(random_scene(random.Random(n)).draw(97, 140 + n)) for n in range(2)]
    options = Options(max_new_tokens=2, chat=(question_about(2, "what is this"),))
    try:
        (said,) = engine.generate([engine.prepare(seen, "", options)])
    except Exception:
        return "no"
    return "yes" if isinstance(said, Answer) else "no"


def loaded(folder: Path) -> Any:
    """The engine of a folder, or why there is none."""
    engine = create_engine(card_for(str(folder)), WorkerSettings(device="cpu"))
    try:
        engine.load()
    except ModelNotLoaded as error:
        return error
    return engine


def rows_of_page() -> set[str]:
    """The lines that the page has."""
    return {line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")}


def _rows() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        for name, make in makers().items():
            yield row(name, loaded(make(Path(folder, name))))


def main() -> int:
    """Exits with 1 where the page says otherwise."""
    rows = [*_rows()]
    today = f"{datetime.now(UTC):%Y-%m-%d}, transformers {transformers.__version__}, miniatures on a CPU:"
    head = ["family", "an example", "its weights", "on a CPU", "batches", "several images in a job", "needs"]
    table = "\n".join([_line(head), "|---" * len(head) + "|", *rows])
    print(table)
    if "--write" in sys.argv[1:]:
        write(_SECTION, f"{today}\n\n{table}", PAGE)
    others = [line for line in rows if line not in rows_of_page()]
    print(*(f"The page says otherwise: {line}" for line in others), sep="\n")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
