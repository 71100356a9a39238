"""Images and questions to embeddings, which the next step takes in."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from worker.engines.rolling.rows import Request


def prefill(model: Any, requests: Sequence[Request]) -> None:
    """See the images of all requests together, and put each among the words of its question.

    Several images at once cost less than one after the other, so this may run ahead of the places.
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
    """A prompt's three positions a token (3 × length), and how far the next one is from its length.

    An image has fewer positions than tokens, because its rows and columns are counted, not its pieces.
    """
    positions, delta = model.model.get_rope_index(
        tensors["input_ids"],
        image_grid_thw=tensors["image_grid_thw"],
        mm_token_type_ids=tensors["mm_token_type_ids"],
    )
    return positions[:, 0], int(delta)
