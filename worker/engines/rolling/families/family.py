"""What a family of models has to say, so that its jobs come and go by themselves."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from worker.engines.rolling.rows import Prompt
from worker.engines.seeing.cutting import Cutter

#: What is seen of a piece, each visual tokens × width: what stands in the prompt, then what is added to what
#: comes out of the decoder's first layers, one after the other, where a family has that.
Seen = tuple[torch.Tensor, ...]


@dataclass(frozen=True, eq=False)
class Piece:
    """What is seen by itself: an image, or a part of one; `tokens` is how many visual tokens it becomes."""

    tensors: Mapping[str, torch.Tensor]
    tokens: int


class Family(ABC):
    """A model of a family, whose images are cut by `cutter` where they do not come cut."""

    #: In how many directions positions are counted.
    axes = 1
    #: Whether a prompt is read in one step, because tokens of it attend to later ones.
    reads_whole = False

    def __init__(self, model: Any, cutter: Cutter | None = None) -> None:
        self.model, self.cutter = model, cutter

    @abstractmethod
    def positions(self, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
        """A prompt's positions (axes × length), and the next position less the length; from any thread."""

    @abstractmethod
    def pieces(self, tensors: Mapping[str, torch.Tensor]) -> Sequence[Piece]:
        """A job's images in pieces, in the order of their places in its prompt."""

    @abstractmethod
    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What the vision encoder makes of each piece of several jobs, in one pass."""

    def position_ids(self, positions: torch.Tensor) -> torch.Tensor:
        """Positions of a line of tokens (axes × tokens) as the decoder takes them."""
        return positions

    def blocks(self, prompt: Prompt) -> torch.Tensor | None:
        """Numbers, from 1, of a prompt's blocks, whose tokens attend to one another in both directions.

        None where every token sees those before it, and no others.
        """
        return None

    def also(self, rows: int, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """What the decoder is given besides, where new prompts come after `rows` tokens of others."""
        return {}

    def joined(self, pieces: Sequence[Piece], name: str) -> torch.Tensor:
        """A tensor of all pieces, one after the other, on the device; numbers in the model's format."""
        whole = torch.cat([piece.tensors[name] for piece in pieces])
        return whole.to(self.model.device, self.model.dtype if whole.is_floating_point() else whole.dtype)
