"""How much memory a model's weights will take, from the files that are here; nothing is loaded for it."""

import json
import os
import struct
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from jobs.contract.catalog import EngineName, ModelCard

_BUNDLED = Path(__file__).parents[2] / "worker" / "models"
#: Number formats that are loaded as whichever a worker uses; others, as those of quantised weights, stay.
_FLOATS = {"F64", "F32", "F16", "BF16"}
#: Bytes of a file's header that are read; real ones have some megabytes at most.
_MOST_HEADER_BYTES = 100_000_000


def weights_bytes(card: ModelCard, number_bytes: int) -> int | None:
    """Bytes of a model's weights where each number takes `number_bytes`; None while its files are not here.

    What is read by small nets, or answered by another server, has none to speak of.
    """
    if card.engine is not EngineName.TRANSFORMERS:
        return 0
    folder = _folder_of(card.source)
    if folder is None:
        return None
    try:
        return sum(_bytes_in(path, number_bytes) for path in _files_in(folder)) or None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        # Whatever is wrong with it, the worker says.
        return None


def _folder_of(source: str) -> Path | None:
    kind, _, name = source.partition(":")
    folder = _BUNDLED / name if kind == "bundled" else Path(source).expanduser()
    return folder if folder.is_dir() else _downloaded(source)


def _downloaded(address: str) -> Path | None:
    """The folder into which the hub's library has put a model, the latest that it knows."""
    model = _hub() / f"models--{address.replace('/', '--')}"
    try:
        folder = model / "snapshots" / (model / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return folder if folder.is_dir() else None


def _hub() -> Path:
    """Where that library keeps them, by the variables that it goes by."""
    env = os.environ
    cache = env.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = env.get("HF_HOME") or Path(cache, "huggingface")
    return Path(env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or Path(home, "hub"))


def _files_in(folder: Path) -> Iterable[Path]:
    """The files with weights: those of the index, where there is one; makers add the same in other forms."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return {folder / name for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
    whole = folder / "model.safetensors"
    return [whole] if whole.is_file() else folder.glob("*.safetensors")


def _bytes_in(path: Path, number_bytes: int) -> int:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        tensors: dict[str, Any] = json.loads(file.read(min(length, _MOST_HEADER_BYTES)))
    tensors.pop("__metadata__", None)
    return sum(_bytes_of(one, number_bytes) for one in tensors.values())


def _bytes_of(tensor: dict[str, Any], number_bytes: int) -> int:
    if tensor["dtype"] in _FLOATS:
        return prod(map(int, tensor["shape"])) * number_bytes
    begin, end = tensor["data_offsets"]
    return int(end - begin)
