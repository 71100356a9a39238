"""Whether a model's folder is there as a whole: what was downloaded by half is named, and how to go on."""

import json
from pathlib import Path

from jobs.formats.safetensors import INDEX, SUFFIX, WHOLE, HeaderCut, header_of, indexed_files
from worker.engines.weights.unusable import Unusable

#: What says how a model is made and used; the `auto_map` of each names code that comes with the weights.
SETTINGS = (
    *("config.json", "generation_config.json", "tokenizer_config.json"),
    *("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json"),
)
_TOKENIZER = "tokenizer.json"
#: What tokenizers are read from; the first has all of one.
_TOKENIZERS = (_TOKENIZER, "tekken.json", "vocab*", "*.model", "*.spm", "*.tiktoken")
#: What a file begins with that only says where Git LFS has the real one.
_POINTER = b"version https://git-lfs"
_LLAMA_CPP = ".gguf"
_AGAIN = "get the folder anew; `hf download NAME --local-dir FOLDER` goes on where it stopped"


def check_settings(folder: Path) -> None:
    """Raises Unusable for a folder without settings, or with files that cannot be read."""
    if not (folder / "config.json").is_file():
        raise Unusable(
            f"there is no config.json in {folder}",
            "name the folder that has it, with the weights and the processor's settings, in MODEL_NAME",
        )
    for file in sorted(folder.iterdir()):
        if file.is_file() and _begins(file, len(_POINTER)) == _POINTER:
            raise Unusable(
                f"{file.name} only says where Git LFS has it",
                "run `git lfs pull` in the folder, or get it by `hf download`",
            )
    for name in (*SETTINGS, _TOKENIZER):
        if (folder / name).is_file() and not _is_object(folder / name):
            raise Unusable(f"{name} is cut, or no JSON object", _AGAIN)


def check_weights(folder: Path) -> None:
    """Raises Unusable where weights are missing, or cut."""
    there = sorted(file.name for file in folder.iterdir())
    named = sorted(indexed_files(folder))
    if missing := [name for name in named if name not in there]:
        raise Unusable(
            f"{len(missing)} of its {len(named)} files of weights are missing: {missing[0]}", _AGAIN
        )
    files = [folder / name for name in there if name.endswith(SUFFIX)]
    if not files:
        other = next((name for name in there if name.endswith(_LLAMA_CPP)), None)
        if other:
            raise Unusable(
                f"its weights are llama.cpp's ({other})",
                "take weights as safetensors, or have llama.cpp serve them and ask it as openai:NAME",
            )
        raise Unusable("there are no weights (model.safetensors) in it", _AGAIN)
    if not named and WHOLE not in there:
        raise Unusable(f"there is no {WHOLE}, and no {INDEX} that says which file holds what", _AGAIN)
    for file in files:
        has, needs = file.stat().st_size, _size(file)
        if has < needs:
            raise Unusable(f"{file.name} is cut: it has {has:,} bytes of {needs:,}", _AGAIN)


def check_tokenizer(folder: Path) -> None:
    """Raises Unusable where there is none."""
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZERS):
        raise Unusable(f"there is no {_TOKENIZER} in it, nor another tokenizer's files", _AGAIN)


def _is_object(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except ValueError:
        return False


def _begins(file: Path, count: int) -> bytes:
    with file.open("rb") as read:
        return read.read(count)


def _size(file: Path) -> int:
    """How many bytes a file of safetensors says that it has; 0 where it says nothing that can be read."""
    try:
        return header_of(file).file_bytes
    except HeaderCut as cut:
        return cut.needed_bytes
    except ValueError:
        return 0
