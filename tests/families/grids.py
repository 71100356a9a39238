"""Families that see an image as a grid of patches, as many as it has room for."""

from pathlib import Path
from typing import Any

import transformers

from tests.families.folder import PICTURES, Tokens, chat, save

_QWEN = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_QWEN_NAMES = ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id")
_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32}
_MERGED = {"temporal_patch_size": 2, "merge_size": 2}


def _rope(sections: list[int], **more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": sections} | more


#: Of the two families whose encoder's layers enter the decoder's.
_STACK = _VISION | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}
_STACKED: dict[str, Any] = {"head_dim": 16, "rope_parameters": _rope([4, 2, 2], mrope_interleaved=True)}


def qwen3_vl(folder: Path) -> Path:
    """Qwen3-VL: what its first layers see enters the decoder's first layers as well."""
    tokens, ids = _qwen()
    config = transformers.Qwen3VLConfig(text_config=tokens.text(**_STACKED), vision_config=_STACK, **ids)
    return _save_qwen(folder, transformers.Qwen3VLForConditionalGeneration(config), tokens)


def qwen3_vl_moe(folder: Path) -> Path:
    """Qwen3-VL-MoE: each token goes through a few experts of many."""
    tokens, ids = _qwen()
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
    text = tokens.text(**_STACKED, **experts)
    config = transformers.Qwen3VLMoeConfig(text_config=text, vision_config=_STACK, **ids)
    return _save_qwen(folder, transformers.Qwen3VLMoeForConditionalGeneration(config), tokens)


def qwen3_5(folder: Path) -> Path:
    """Qwen3.5: most of its layers keep a state in place of keys and values."""
    tokens, ids = _qwen()
    linear = {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
    heads = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "head_dim": 16}
    kinds = {"num_hidden_layers": 4, "layer_types": ["linear_attention"] * 3 + ["full_attention"]}
    rope = _rope([2, 1, 1], mrope_interleaved=True, partial_rotary_factor=0.5)
    config = transformers.Qwen3_5Config(
        text_config=tokens.text(rope_parameters=rope, **linear, **heads, **kinds),
        vision_config=_VISION | {"num_position_embeddings": 64, "patch_size": 16},
        **ids,
    )
    return _save_qwen(folder, transformers.Qwen3_5ForConditionalGeneration(config), tokens)


def glm4v(folder: Path) -> Path:
    """GLM-4.1V."""
    names = (
        "<|image|>",
        "<|video|>",
        *(f"<|{edge}_of_{kind}|>" for kind in ("image", "video") for edge in ("begin", "end")),
    )
    tokens = Tokens(*names)
    rope = _rope([1, 1, 2], partial_rotary_factor=0.5)
    kinds = ("image", "video", "image_start", "image_end", "video_start", "video_end")
    config = transformers.Glm4vConfig(
        text_config=tokens.text(num_attention_heads=2, num_key_value_heads=1, rope_parameters=rope),
        vision_config=_VISION | {"image_size": 56, "patch_size": 14},
        **{f"{kind}_token_id": token for kind, token in zip(kinds, tokens.ids, strict=True)},
    )
    return save(
        *(folder, transformers.Glm4vForConditionalGeneration(config), tokens),
        chat("<|begin_of_image|><|image|><|end_of_image|>"),
        processor="Glm4vProcessor",
        images=PICTURES
        | {"image_processor_type": "Glm4vImageProcessor", "patch_size": 14}
        | {"size": {"shortest_edge": 12544, "longest_edge": 9633792}, **_MERGED},
        video="Glm4vVideoProcessor",
    )


def _qwen() -> tuple[Tokens, dict[str, int]]:
    """nano's own: it has them already."""
    tokens = Tokens()
    ids = tokens.tokenizer.convert_tokens_to_ids([*_QWEN])
    return tokens, dict(zip(_QWEN_NAMES, ids, strict=True))


def _save_qwen(folder: Path, model: Any, tokens: Tokens) -> Path:
    return save(
        *(folder, model, tokens, chat("<|vision_start|><|image_pad|><|vision_end|>")),
        processor="Qwen3VLProcessor",
        images=PICTURES
        | {"image_processor_type": "Qwen2VLImageProcessorFast", "patch_size": 16}
        | {"size": {"shortest_edge": 65536, "longest_edge": 16777216}, **_MERGED},
        video="Qwen3VLVideoProcessor",
    )
