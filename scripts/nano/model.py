"""The configuration of `nano`, and a batched forward pass that makes training it affordable.

The stock vision tower takes its images one behind the other and cuts them apart again at every block. In
training all images of a batch have the same grid, so they are stacked instead, windows become a mask, and
several questions share one image. `max_logit_difference` proves both ways equal.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as stock
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from scripts.nano import branches
from scripts.nano.cells import IGNORE
from scripts.nano.pool import Texts, prompt_head
from scripts.nano.tokenizer import build_tokenizer

PATCH, MERGE, WINDOW_PX = 14, 2, 112


def build_config() -> Qwen2_5_VLConfig:
    """A Qwen2.5-VL in miniature: windows in every other vision block, grouped heads, tied embeddings."""
    tokenizer = build_tokenizer()
    token = tokenizer.convert_tokens_to_ids
    hidden = 128
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": (len(tokenizer) + 15) // 16 * 16,
            "hidden_size": hidden,
            "intermediate_size": 384,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6,
            # The sections must add up to half a head's size.
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
            "bos_token_id": None,
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
            "initializer_range": 0.04,
        },
        vision_config={
            "depth": 5,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_heads": 4,
            "out_hidden_size": hidden,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "window_size": WINDOW_PX,
            "fullatt_block_indexes": [1, 3, 4],
            "initializer_range": 0.04,
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def use_fused_norms() -> None:
    """Swap the stock RMS norm for torch's fused one, in this process: the same numbers in less time."""

    def forward(norm: stock.Qwen2_5_VLRMSNorm, hidden: Tensor) -> Tensor:
        return F.rms_norm(hidden, (hidden.shape[-1],), norm.weight, norm.variance_epsilon)

    stock.Qwen2_5_VLRMSNorm.forward = forward


def tensor_of(array: np.ndarray) -> Tensor:
    """An array on torch's default device, which is the one that trains."""
    return torch.from_numpy(array).to(torch.get_default_device())


def to_patches(pixels: Tensor) -> Tensor:
    """Bytes (batch, height, width, 3) to normalized patches (batch, patches, 3 * 14 * 14), by merge block."""
    mean = torch.tensor(Qwen2VLImageProcessorPil.image_mean)
    std = torch.tensor(Qwen2VLImageProcessorPil.image_std)
    x = ((pixels.float() / 255 - mean) / std).permute(0, 3, 1, 2)
    batch, channels, height, width = x.shape
    block = PATCH * MERGE
    x = x.reshape(batch, channels, height // block, MERGE, PATCH, width // block, MERGE, PATCH)
    return x.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(batch, -1, channels * PATCH * PATCH)


@cache
def patch_coordinates(height: int, width: int) -> Tensor:
    """Row and column (patches, 2) of each patch of an image of that many pixels, merge blocks together."""
    rows, columns = torch.meshgrid(torch.arange(height // PATCH), torch.arange(width // PATCH), indexing="ij")
    blocks = (height // PATCH // MERGE, MERGE, width // PATCH // MERGE, MERGE)
    return torch.stack([x.reshape(blocks).transpose(1, 2).flatten() for x in (rows, columns)], dim=1)


@cache
def window_mask(height: int, width: int) -> Tensor:
    """Which patches (patches, patches) share a window."""
    windows = patch_coordinates(height, width) // (WINDOW_PX // PATCH)
    return (windows[:, None] == windows[None]).all(dim=-1)


def vision_tokens(visual: Any, pixels: Tensor) -> Tensor:
    """The vision tower on stacked images: bytes (batch, height, width, 3) to (batch, cells, hidden)."""
    batch, height, width, _ = pixels.shape
    # A still image is shown as two equal frames: adding up the weights of both frames does the same.
    weight = visual.patch_embed.proj.weight.sum(dim=2).flatten(1)
    hidden = F.linear(to_patches(pixels), weight)
    cos, sin = (x[:, None] for x in visual.rotary_pos_emb(hidden, patch_coordinates(height, width)))
    for index, block in enumerate(visual.blocks):
        mask = None if index in visual.fullatt_block_indexes else window_mask(height, width)
        qkv = block.attn.qkv(block.norm1(hidden)).view(
            batch, -1, 3, block.attn.num_heads, block.attn.head_dim
        )
        query, key, value = qkv.unbind(2)
        query, key = (x * cos + stock.rotate_half(x) * sin for x in (query, key))
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        hidden = hidden + block.attn.proj(mixed.transpose(1, 2).flatten(2))
        hidden = hidden + block.mlp(block.norm2(hidden))
    tokens: Tensor = visual.merger(hidden.flatten(0, 1))
    return tokens.view(batch, -1, visual.config.out_hidden_size)


def _image_positions(rows: int, columns: int) -> Tensor:
    grid = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([torch.zeros(rows * columns, dtype=torch.long), *(x.flatten() for x in grid)])


def answer_logits(
    model: Qwen2_5_VLForConditionalGeneration,
    tokens: Tensor,
    texts: Texts,
    grid: tuple[int, int],
    *,
    is_rough: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits (answers' tokens, vocabulary) and their targets.

    `tokens` are the images' (batch, cells, hidden), `grid` their rows and columns. A rough pass multiplies
    matrices in bfloat16, as training does: a quarter less time.
    """
    language = model.model.language_model
    language.set_attn_implementation(branches.NAME)
    ids, labels, branch, positions = map(tensor_of, (texts.ids, texts.labels, texts.branch, texts.positions))
    batch, head = len(ids), torch.tensor(prompt_head())
    shared = len(head) + tokens.shape[1]
    embedded = language.embed_tokens(torch.cat([head.expand(batch, -1), ids], dim=1))
    embedded = torch.cat([embedded[:, : len(head)], tokens, embedded[:, len(head) :]], dim=1)
    before = torch.arange(len(head)).expand(3, -1)
    image = _image_positions(*grid) + len(head)
    after = (positions + len(head) + max(grid)).expand(3, -1, -1)
    first = torch.cat([before, image], dim=1)[:, None].expand(-1, batch, -1)
    with torch.autocast(tokens.device.type, torch.bfloat16, enabled=is_rough):
        hidden = language(
            inputs_embeds=embedded,
            position_ids=torch.cat([first, after], dim=2),
            attention_mask={"full_attention": branches.Branches(branch, shared)},
            use_cache=False,
        ).last_hidden_state[:, shared:]
    is_answer = labels != IGNORE
    return model.lm_head(hidden[is_answer].float()), labels[is_answer]


@torch.no_grad()
def max_logit_difference(model: Qwen2_5_VLForConditionalGeneration, pixels: Tensor, texts: Texts) -> float:
    """The largest difference between the batched pass and the stock one, over all answers of a batch."""
    grid = (pixels.shape[1] // (PATCH * MERGE), pixels.shape[2] // (PATCH * MERGE))
    batched, _ = answer_logits(model, vision_tokens(model.model.visual, pixels), texts, grid)
    model.model.language_model.set_attn_implementation("sdpa")
    processor = Qwen2VLImageProcessorPil()
    image_token, single = model.config.image_token_id, []
    for image, ids, labels, branch in zip(pixels, texts.ids, texts.labels, texts.branch, strict=True):
        features = processor([image.cpu().numpy()], do_resize=False, return_tensors="pt").to(image.device)
        for number in range(1, branch.max() + 1):
            own = branch == number
            row = [*prompt_head(), *[image_token] * (grid[0] * grid[1]), ids[0], *ids[own]]
            ids_row = torch.tensor([row])
            logits = model(
                input_ids=ids_row,
                mm_token_type_ids=(ids_row == image_token).int(),
                **features,
                use_cache=False,
            ).logits[0, -own.sum() :]
            single.append(logits[tensor_of(labels[own] != IGNORE)])
    return float((torch.cat(single) - batched).abs().max())
