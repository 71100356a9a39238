"""Turns images and questions into embeddings, which the next step takes in."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from worker.engines.rolling.rows import Request


def prefill(model: Any, requests: Sequence[Request], most_tokens: int) -> None:
    """See all images of all requests, and put what is seen of each into its place in its prompt.

    Several images at once cost less than one after the other, so some requests may have no row yet. The
    vision encoder sees at most `most_tokens` visual tokens at once, or one image that has more.
    """
    device, inner = model.device, model.model
    # Of all requests, one after the other.
    seen = iter(_seen(model, requests, most_tokens))
    for request in requests:
        images = request.tensors["image_grid_thw"].shape[0]
        ids = request.tensors["input_ids"][0].to(device)
        words = inner.get_input_embeddings()(ids)
        places = (ids == model.config.image_token_id).unsqueeze(-1)
        features = torch.cat([next(seen) for _ in range(images)])
        request.embedded = words.masked_scatter(places, features.to(words.dtype))


def _seen(model: Any, requests: Sequence[Request], most_tokens: int) -> list[torch.Tensor]:
    """What the vision encoder makes of each image of all requests (visual tokens × width)."""
    patches, grids = [], []
    for request in requests:
        grid = request.tensors["image_grid_thw"]
        patches += request.tensors["pixel_values"].split(grid.prod(dim=1).tolist())
        grids += grid.split(1)
    merged = model.config.vision_config.spatial_merge_size**2
    seen: list[torch.Tensor] = []
    for group in _passes([part.shape[0] // merged for part in patches], most_tokens):
        out = model.model.get_image_features(
            torch.cat(patches[group]).to(model.device, model.dtype),
            torch.cat(grids[group]).to(model.device),
            return_dict=True,
        )
        seen += out.pooler_output
    return seen


def _passes(sizes: Sequence[int], most: int) -> list[slice]:
    """Neighbours that together have at most `most`, or one alone that has more.

    >>> _passes([3, 4, 9, 1], most=7)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    passes, begin, taken = [], 0, 0
    for place, size in enumerate(sizes):
        if place > begin and taken + size > most:
            passes.append(slice(begin, place))
            begin, taken = place, 0
        taken += size
    return [*passes, slice(begin, len(sizes))]


def positions_of(model: Any, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """A prompt's positions for the decoder (3 × length), and the next position less the prompt's length.

    An image takes up fewer positions than tokens: positions count its rows and columns, not its patches. The
    next image goes on where it ends.
    """
    positions, delta = model.model.get_rope_index(
        tensors["input_ids"],
        image_grid_thw=tensors["image_grid_thw"],
        mm_token_type_ids=tensors["mm_token_type_ids"],
    )
    return positions[:, 0], int(delta)
