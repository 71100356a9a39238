"""Squares whose tokens attend to one another in both directions within the prompt: Gemma 3."""

import torch

from worker.engines.rolling.families.tiles import Tiles
from worker.engines.rolling.rows import Prompt


class Mutual(Tiles):
    """An image is a block, as long as nothing stands within it."""

    reads_whole = True

    def blocks(self, prompt: Prompt) -> torch.Tensor:
        """The visual tokens that stand side by side."""
        places = prompt.places
        begins = places & ~torch.nn.functional.pad(places, (1, 0))[:-1]
        return begins.cumsum(0) * places
