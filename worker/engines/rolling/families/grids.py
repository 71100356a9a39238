"""Images as grids of patches, as many as they have room for, whose tokens have a row and a column."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from worker.engines.rolling.families.family import Family, Piece, Seen
from worker.engines.seeing.cutting import COLORS


class Grids(Family):
    """A piece is an image; positions are counted over time, rows and columns."""

    axes = 3

    def positions(self, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
        """A prompt's positions (3 × length), and the next position less the prompt's length.

        An image takes up fewer positions than tokens: positions count its rows and columns, not its patches.
        The next image goes on where it ends.
        """
        positions, delta = self.model.model.get_rope_index(
            input_ids=tensors["input_ids"],
            image_grid_thw=tensors["image_grid_thw"],
            mm_token_type_ids=tensors["mm_token_type_ids"],
        )
        return positions[:, 0], int(delta)

    def position_ids(self, positions: torch.Tensor) -> torch.Tensor:
        """3 × 1 × tokens."""
        return positions[:, None]

    def pieces(self, tensors: Mapping[str, torch.Tensor]) -> Sequence[Piece]:
        """Each image, with its grid."""
        merged = self.model.config.vision_config.spatial_merge_size**2
        grids = tensors["image_grid_thw"]
        counts = grids.prod(dim=1).tolist()
        images = {"image_grid_thw": grids.split(1)}
        if "colors" in tensors:
            sizes = tensors["image_sizes"]
            images["image_sizes"] = sizes.split(1)
            images["colors"] = tensors["colors"].split((COLORS * sizes.prod(dim=1)).tolist())
        else:
            images["pixel_values"] = tensors["pixel_values"].split(counts)
        return [
            Piece({name: parts[place] for name, parts in images.items()}, count // merged)
            for place, count in enumerate(counts)
        ]

    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What stands in the prompt."""
        return [(seen,) for seen in self.features(pieces).pooler_output]

    def features(self, pieces: Sequence[Piece]) -> Any:
        """All that the vision encoder says."""
        return self.model.model.get_image_features(
            self._patches(pieces), self.joined(pieces, "image_grid_thw"), return_dict=True
        )

    def _patches(self, pieces: Sequence[Piece]) -> torch.Tensor:
        """Those of all pieces, one after the other, on the device."""
        if not self.cutter:
            return self.joined(pieces, "pixel_values")
        uncut = {name: torch.cat([piece.tensors[name] for piece in pieces]) for name in pieces[0].tensors}
        return self.cutter.patches(uncut).to(self.model.dtype)
