"""Families that read documents, by an eye of 1,024 × 1,024 pixels, as their code has it."""

from pathlib import Path
from typing import Any

import transformers

from tests.families.folder import PICTURES, VISION, Tokens, chat, save

_SIDE = 1024
_SAM: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "mlp_dim": 32,
    "output_channels": 16,
    "image_size": _SIDE,
    "window_size": 14,
    "global_attn_indexes": [],
}
_PAGE = PICTURES | {"size": {"height": _SIDE, "width": _SIDE}}


def got_ocr2(folder: Path) -> Path:
    """GOT-OCR2: has no sdpa, and takes images in no list of their own."""
    names = ("img_start_token", "img_end_token", "img_pad_token", "image_token")
    marks = ("<img>", "</img>", "<imgpad>")
    tokens = Tokens(*marks, "<|im_sep|>")
    config = transformers.GotOcr2Config(
        text_config=tokens.text(model_type="qwen2"),
        vision_config=_SAM,
        image_token_index=tokens.ids[2],
        image_seq_length=256,
    )
    return save(
        *(folder, transformers.GotOcr2ForConditionalGeneration(config), tokens),
        chat("<img><imgpad></img>"),
        processor="GotOcr2Processor",
        images=_PAGE | {"image_processor_type": "GotOcr2ImageProcessor"},
        named=dict(zip(names, (*marks, "<imgpad>"), strict=True)),
    )


def deepseek_ocr2(folder: Path) -> Path:
    """DeepSeek-OCR-2: large images bring tiles besides, in a tensor of their own."""
    tokens = Tokens("<image>", "<s>", bos="<s>")
    experts = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
    groups = {"n_group": 1, "topk_group": 1, "mlp_layer_types": ["dense", "sparse"]}
    encoder = VISION | {"num_hidden_layers": 1, "num_key_value_heads": 2}
    config = transformers.DeepseekOcr2Config(
        text_config=tokens.text(num_key_value_heads=4, bos_token_id=tokens.ids[1], **experts, **groups),
        vision_config={
            "sam_config": _SAM | {"downsample_channels": [16, 32]},
            "encoder_config": encoder,
        },
        image_token_id=tokens.ids[0],
    )
    return save(
        *(folder, transformers.DeepseekOcr2ForConditionalGeneration(config), tokens),
        chat("<image>\n"),
        processor="DeepseekOcr2Processor",
        images=_PAGE
        | {"image_processor_type": "DeepseekOcr2ImageProcessor", "tile_size": 768}
        | {"crop_to_patches": True},
        named={"image_token": "<image>"},
    )
