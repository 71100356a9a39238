"""How much memory a model's weights will take, from the files that are here; nothing is loaded for it."""

import os
from collections.abc import Iterable
from pathlib import Path

from jobs.contract.catalog import EngineName, ModelCard, place_of
from jobs.formats.safetensors import INDEX, SUFFIX, WHOLE, Tensor, header_of, indexed_files

#: Number formats that are loaded as whichever a worker uses; others, as those of quantised weights, stay.
_FLOATS = {"F64", "F32", "F16", "BF16"}


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
    except (OSError, ValueError):
        # Whatever is wrong with it, the worker says.
        return None


def _folder_of(source: str) -> Path | None:
    folder = Path(place_of(source)).expanduser()
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
    if (folder / INDEX).is_file():
        return [folder / name for name in indexed_files(folder)]
    whole = folder / WHOLE
    return [whole] if whole.is_file() else folder.glob(f"*{SUFFIX}")


def _bytes_in(path: Path, number_bytes: int) -> int:
    return sum(_bytes_of(tensor, number_bytes) for tensor in header_of(path).tensors)


def _bytes_of(tensor: Tensor, number_bytes: int) -> int:
    return tensor.numbers * number_bytes if tensor.dtype in _FLOATS else tensor.size_bytes
