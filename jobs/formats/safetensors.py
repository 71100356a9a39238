"""A model's weights as safetensors, from their headers and their index alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

SUFFIX = ".safetensors"
#: Where all weights are in one file, and which file holds which where they are in several.
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
#: The longest header that safetensors takes, in bytes.
_LONGEST_HEADER = 100_000_000
_LENGTH_BYTES = 8


class HeaderCut(ValueError):
    """Raised for a file that ends within its header, and needs at least `needed_bytes`."""

    def __init__(self, needed_bytes: int) -> None:
        super().__init__(f"the header ends at {needed_bytes:,} bytes")
        self.needed_bytes = needed_bytes


@dataclass(frozen=True)
class Tensor:
    """What a header says of one tensor."""

    #: As safetensors calls it, such as `BF16`.
    dtype: str
    numbers: int
    #: Its first byte, and the one behind its last, after the header.
    begin: int
    end: int

    @property
    def size_bytes(self) -> int:
        """What it takes in its file."""
        return self.end - self.begin


@dataclass(frozen=True)
class Header:
    """What a file says that it holds."""

    size_bytes: int
    tensors: Sequence[Tensor]

    @property
    def file_bytes(self) -> int:
        """What the whole file has to have."""
        return self.size_bytes + max((tensor.end for tensor in self.tensors), default=0)


def header_of(path: Path) -> Header:
    """Read a file's header, and nothing else of it.

    Raises OSError, and ValueError where it says nothing that can be read: HeaderCut where it is cut.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"{path.name} would have a header of {length:,} bytes")
        text = file.read(length)
    if len(text) < length:
        raise HeaderCut(_LENGTH_BYTES + length)
    try:
        said = json.loads(text)
        tensors = [_tensor(one) for name, one in said.items() if name != "__metadata__"]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the header of {path.name} is none") from error
    return Header(_LENGTH_BYTES + length, tensors)


def _tensor(said: dict[str, Any]) -> Tensor:
    begin, end = map(int, said["data_offsets"])
    return Tensor(said["dtype"], prod(map(int, said["shape"])), begin, end)


def files_in(index: Any) -> set[str]:
    """The files that an index names, which is given as what its JSON says; none where it is no index."""
    named = index.get("weight_map") if isinstance(index, dict) else None
    return {str(name) for name in named.values()} if isinstance(named, dict) else set()


def indexed_files(folder: Path) -> set[str]:
    """The files that a folder's index names; none where it has none that can be read."""
    try:
        return files_in(json.loads((folder / INDEX).read_bytes()))
    except (OSError, ValueError):
        return set()
