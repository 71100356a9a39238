"""Tiles that a job has in a list of their own: Idefics3, SmolVLM."""

from collections.abc import Mapping, Sequence

import torch

from worker.engines.rolling.families.family import Piece, Seen
from worker.engines.rolling.families.tiles import Tiles


class Nested(Tiles):
    """A tile comes with which of its pixels are no padding; one of zeros is taken for padding as a whole."""

    def pieces(self, tensors: Mapping[str, torch.Tensor]) -> Sequence[Piece]:
        """Each tile of each image, the whole image among them."""
        names = [name for name in ("pixel_values", "pixel_attention_mask") if name in tensors]
        tiles = zip(*(tensors[name][0].split(1) for name in names), strict=True)
        return self.shares(tensors, [dict(zip(names, tile, strict=True)) for tile in tiles])

    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What stands in the prompt."""
        images = {name: self.joined(pieces, name)[None] for name in pieces[0].tensors}
        out = self.model.model.get_image_features(**images, return_dict=True)
        # Raises where one of them was left out.
        return [(seen,) for seen in out.pooler_output[0].split([piece.tokens for piece in pieces])]
