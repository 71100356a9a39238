"""Grids of which some layers of the encoder enter the decoder's first layers (https://arxiv.org/abs/2406.04334)."""

from collections.abc import Sequence
from typing import Any

import torch

from worker.engines.rolling.families.family import Piece, Seen
from worker.engines.rolling.families.grids import Grids
from worker.engines.rolling.rows import Prompt


class Deepstack(Grids):
    """What is seen of an image has more than one layer."""

    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What stands in the prompt, and what enters after each of the first layers."""
        out = self.features(pieces)
        return list(zip(out.pooler_output, *out.deepstack_features, strict=True))

    def also(self, rows: int, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """Where images stand in the line of tokens, and what is added there; nothing without new prompts."""
        if not prompts:
            return {}
        none = prompts[0].places.new_zeros(rows)
        # Where others have read all images of a prompt, it has no layers of its own.
        deeper = [prompt.deeper for prompt in prompts if prompt.deeper]
        return {
            "visual_pos_masks": torch.cat([none, *(prompt.places for prompt in prompts)])[None],
            "deepstack_visual_embeds": [torch.cat(layer) for layer in zip(*deeper, strict=True)],
        }
