"""Images of any resolution: tiles and the whole image, packed row by row with a mark at the end of each.

LLaVA-NeXT and LLaVA-OneVision.
"""

from collections.abc import Mapping, Sequence

import torch

from worker.engines.rolling.families.family import Piece, Seen
from worker.engines.rolling.families.tiles import Tiles


class Anyres(Tiles):
    """A piece is an image, or all those of a job where how each is seen depends on whether it is alone."""

    def pieces(self, tensors: Mapping[str, torch.Tensor]) -> Sequence[Piece]:
        """The images, with their sizes, by which they are packed; how many tokens each has is a guess."""
        images = {name: tensors[name] for name in ("pixel_values", "image_sizes")}
        if "batch_num_images" in tensors:
            return self.shares(tensors, [images | {"batch_num_images": tensors["batch_num_images"]}])
        split = zip(*(whole.split(1) for whole in images.values()), strict=True)
        return self.shares(tensors, [dict(zip(images, image, strict=True)) for image in split])

    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What stands in the prompt. Each has a pass of its own, since it is several tiles already."""
        return [(torch.cat(self._features(piece)),) for piece in pieces]

    def _features(self, piece: Piece) -> list[torch.Tensor]:
        images = dict(piece.tensors) | {"pixel_values": self.joined([piece], "pixel_values")}
        features: list[torch.Tensor]
        features = self.model.model.get_image_features(**images, return_dict=True).pooler_output
        return features
