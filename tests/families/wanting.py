"""Families whose processors need torchvision, also for images."""

from itertools import product
from pathlib import Path

import transformers

from tests.families.folder import PICTURES, VISION, Tokens, chat, save


def lfm2_vl(folder: Path) -> Path:
    """LFM2-VL."""
    names = ("image_token", "image_start_token", "image_end_token", "image_thumbnail")
    marks = ("<image>", "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>")
    sides = range(1, 11)
    tokens = Tokens(*marks, *(f"<|img_row_{row}_col_{column}|>" for row, column in product(sides, sides)))
    layers = {"layer_types": ["conv", "full_attention"], "block_multiple_of": 8}
    config = transformers.Lfm2VlConfig(
        text_config=tokens.text(model_type="lfm2", **layers),
        vision_config=VISION
        | {"model_type": "siglip2_vision_model", "patch_size": 16, "num_patches": 16}
        | {"vision_use_head": False},
        image_token_id=tokens.ids[0],
        projector_hidden_size=32,
    )
    return save(
        *(folder, transformers.Lfm2VlForConditionalGeneration(config), tokens, chat("<image>")),
        processor="Lfm2VlProcessor",
        images=PICTURES
        | {"image_processor_type": "Lfm2VlImageProcessorFast", "downsample_factor": 2}
        | {"min_tiles": 2, "max_tiles": 4, "tile_size": 64, "encoder_patch_size": 16},
        named=dict(zip(names, marks, strict=True)),
    )
