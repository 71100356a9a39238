"""Images in tiles of one size, each of which becomes as many visual tokens."""

from collections.abc import Mapping, Sequence

import torch

from worker.engines.rolling.families.family import Family, Piece, Seen


class Tiles(Family):
    """A piece is a tile; positions are counted token by token."""

    def positions(self, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
        """Places in the prompt (1 × length), and 0."""
        return torch.arange(tensors["input_ids"].shape[1])[None], 0

    def pieces(self, tensors: Mapping[str, torch.Tensor]) -> Sequence[Piece]:
        """Each tile of each image."""
        return self.shares(tensors, [{"pixel_values": tile} for tile in tensors["pixel_values"].split(1)])

    def shares(
        self, tensors: Mapping[str, torch.Tensor], pieces: Sequence[Mapping[str, torch.Tensor]]
    ) -> Sequence[Piece]:
        """The pieces of a job, each with an equal share of its visual tokens."""
        places = int((tensors["input_ids"] == self.model.config.image_token_id).sum())
        return [Piece(piece, places // len(pieces)) for piece in pieces]

    def see(self, pieces: Sequence[Piece]) -> Sequence[Seen]:
        """What stands in the prompt."""
        out = self.model.model.get_image_features(self.joined(pieces, "pixel_values"), return_dict=True)
        return [(seen,) for seen in out.pooler_output]
