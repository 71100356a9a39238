"""An image and its question into a place of the cache."""

from typing import Any

import torch

from worker.engines.rolling.cache import SlotCache
from worker.engines.rolling.rows import Request


def prefill(model: Any, cache: SlotCache, row: int, request: Request) -> tuple[torch.Tensor, int]:
    """Run one image with its question, and keep keys and values in `row`.

    Gives the first new token (a tensor of one number, on the device), and how far the row's positions are
    from its length: an image has fewer positions than tokens.
    """
    inner, tensors = model.model, request.tensors
    positions, delta = inner.get_rope_index(
        tensors["input_ids"],
        image_grid_thw=tensors["image_grid_thw"],
        mm_token_type_ids=tensors["mm_token_type_ids"],
    )
    device = model.device
    ids = tensors["input_ids"].to(device)
    embedded = inner.get_input_embeddings()(ids)
    seen = inner.get_image_features(
        tensors["pixel_values"].to(device, model.dtype),
        tensors["image_grid_thw"].to(device),
        return_dict=True,
    )
    image = torch.cat(tuple(seen.pooler_output)).to(embedded.dtype)
    places = (ids == model.config.image_token_id).unsqueeze(-1)
    hidden = inner.language_model(
        inputs_embeds=embedded.masked_scatter(places, image),
        position_ids=positions.to(device),
        # One row without padding needs no mask but the causal one, which attention applies by itself.
        attention_mask={"full_attention": None},
        past_key_values=cache.prompt(row),
        use_cache=True,
    ).last_hidden_state
    return model.lm_head(hidden[0, -1]).argmax(-1), int(delta)
