"""Turns images and questions into embeddings, which the next step takes in."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from worker.engines.rolling.rows import Request


def prefill(model: Any, requests: Sequence[Request]) -> None:
    """Run the vision encoder on all images together, and put each image's embeddings into its prompt.

    Several images at once cost less than one after the other, so some requests may have no row yet.
    """
    device, inner = model.device, model.model
    seen = inner.get_image_features(
        torch.cat([request.tensors["pixel_values"] for request in requests]).to(device, model.dtype),
        torch.cat([request.tensors["image_grid_thw"] for request in requests]).to(device),
        return_dict=True,
    )
    for request, image in zip(requests, seen.pooler_output, strict=True):
        ids = request.tensors["input_ids"][0].to(device)
        words = inner.get_input_embeddings()(ids)
        places = (ids == model.config.image_token_id).unsqueeze(-1)
        request.embedded = words.masked_scatter(places, image.to(words.dtype))


def positions_of(model: Any, tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """A prompt's positions for the decoder (3 × length), and the next position less the prompt's length.

    An image takes up fewer positions than tokens: positions count its rows and columns, not its patches.
    """
    positions, delta = model.model.get_rope_index(
        tensors["input_ids"],
        image_grid_thw=tensors["image_grid_thw"],
        mm_token_type_ids=tensors["mm_token_type_ids"],
    )
    return positions[:, 0], int(delta)
