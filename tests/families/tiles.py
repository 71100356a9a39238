"""Families that cut an image into tiles."""

from itertools import product
from pathlib import Path
from typing import Any

import transformers

from tests.families.folder import PICTURES, VISION, Tokens, chat, save

#: A side of a tile in pixels, and of a patch in it.
TILE, PATCH = 56, 14
_SQUARE = {"height": TILE, "width": TILE}
_VIT = VISION | {"image_size": TILE, "patch_size": PATCH}


def idefics3(folder: Path) -> Path:
    """Idefics3: the longest side is scaled up to four tiles, however small the image is."""
    return _rows_of_tiles(folder, transformers.Idefics3Config, transformers.Idefics3ForConditionalGeneration)


def smolvlm(folder: Path) -> Path:
    """SmolVLM, by Idefics3's processor: its own needs a package for videos, and makes the same of images."""
    return _rows_of_tiles(folder, transformers.SmolVLMConfig, transformers.SmolVLMForConditionalGeneration)


def _rows_of_tiles(folder: Path, of: Any, model: Any) -> Path:
    tile, rows = 64, range(1, 7)
    marks = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
    tokens = Tokens(*marks, *(f"<row_{row}_col_{column}>" for row, column in product(rows, rows)))
    config = of(
        text_config=tokens.text(model_type="llama"),
        vision_config=VISION | {"image_size": tile, "patch_size": 16},
        image_token_id=tokens.ids[0],
        scale_factor=2,
        pad_token_id=tokens.tokenizer.pad_token_id,
    )
    names = ("image_token", "fake_image_token", "global_image_token", "end_of_utterance_token")
    return save(
        *(folder, model(config), tokens, chat("<image>")),
        processor="Idefics3Processor",
        images=PICTURES
        | {"image_processor_type": "Idefics3ImageProcessor", "do_image_splitting": True, "do_pad": True}
        | {"size": {"longest_edge": 4 * tile}, "max_image_size": {"longest_edge": tile}},
        more={"image_seq_len": 4},
        named=dict(zip(names, marks, strict=True)),
    )


def internvl(folder: Path) -> Path:
    """InternVL3: the grid of up to 12 tiles that is most like the image, and the whole image."""
    marks = ("<IMG_CONTEXT>", "<img>", "</img>", "<video>")
    tokens = Tokens(*marks)
    config = transformers.InternVLConfig(
        text_config=tokens.text(model_type="qwen2"),
        vision_config=VISION | {"image_size": [TILE] * 2, "patch_size": [PATCH] * 2},
        image_token_id=tokens.ids[0],
        image_seq_length=4,
        downsample_ratio=0.5,
    )
    names = ("context_image_token", "start_image_token", "end_image_token", "video_token")
    return save(
        *(folder, transformers.InternVLForConditionalGeneration(config), tokens, chat("<IMG_CONTEXT>\n")),
        processor="InternVLProcessor",
        images=PICTURES
        | {"image_processor_type": "GotOcr2ImageProcessorFast", "size": _SQUARE}
        | {"crop_to_patches": False, "min_patches": 1, "max_patches": 12},
        more={"image_seq_length": 4},
        video="InternVLVideoProcessor",
        named=dict(zip(names, marks, strict=True)),
    )


def llava_onevision(folder: Path) -> Path:
    """LLaVA-OneVision: as many tiles as the image has room for, and the whole image."""
    tokens, grids = Tokens("<image>", "<video>"), _grids(3)
    config = transformers.LlavaOnevisionConfig(
        text_config=tokens.text(model_type="qwen2"),
        vision_config=_VIT | {"model_type": "siglip_vision_model", "vision_use_head": False},
        image_token_index=tokens.ids[0],
        video_token_index=tokens.ids[1],
        image_grid_pinpoints=grids,
    )
    return save(
        *(folder, transformers.LlavaOnevisionForConditionalGeneration(config), tokens, chat("<image>\n")),
        processor="LlavaOnevisionProcessor",
        images=PICTURES
        | {"image_processor_type": "LlavaOnevisionImageProcessor", "do_pad": True}
        | {"size": _SQUARE, "image_grid_pinpoints": grids},
        more={"num_image_tokens": (TILE // PATCH) ** 2, "vision_feature_select_strategy": "full"},
        video="LlavaOnevisionVideoProcessor",
    )


def llava_next(folder: Path) -> Path:
    """LLaVA-NeXT."""
    tokens, grids = Tokens("<image>"), _grids(2)
    config = transformers.LlavaNextConfig(
        text_config=tokens.text(model_type="llama"),
        vision_config=_VIT | {"model_type": "clip_vision_model"},
        image_token_index=tokens.ids[0],
        image_grid_pinpoints=grids,
    )
    return save(
        *(folder, transformers.LlavaNextForConditionalGeneration(config), tokens, chat("<image>\n")),
        processor="LlavaNextProcessor",
        images=PICTURES
        | {"image_processor_type": "LlavaNextImageProcessor", "do_pad": True, "do_center_crop": True}
        | {"size": {"shortest_edge": TILE}, "crop_size": _SQUARE, "image_grid_pinpoints": grids},
        more={"patch_size": PATCH, "vision_feature_select_strategy": "default"}
        | {"num_additional_image_tokens": 1},
    )


def mllama(folder: Path) -> Path:
    """Llama 3.2 Vision: an image is one token, and some layers look at up to four tiles behind it."""
    tokens = Tokens("<|image|>", "<|begin_of_text|>", bos="<|begin_of_text|>")
    grids = [[high, wide] for high, wide in product(range(1, 5), range(1, 5)) if high * wide <= 4]
    config = transformers.MllamaConfig(
        text_config=tokens.text(
            num_hidden_layers=4, cross_attention_layers=[1, 3], bos_token_id=tokens.ids[1]
        )
        | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        vision_config=_VIT
        | {"attention_heads": 2, "num_global_layers": 1, "max_num_tiles": 4, "vision_output_dim": 64}
        | {"intermediate_layers_indices": [0], "supported_aspect_ratios": grids},
        image_token_index=tokens.ids[0],
    )
    return save(
        *(folder, transformers.MllamaForConditionalGeneration(config), tokens),
        "<|begin_of_text|>" + chat("<|image|>"),
        processor="MllamaProcessor",
        images=PICTURES
        | {"image_processor_type": "MllamaImageProcessor", "do_pad": True}
        | {"max_image_tiles": 4, "size": _SQUARE},
    )


def _grids(most: int) -> list[list[int]]:
    """Sizes of images, up to so many tiles high and wide."""
    sides = range(TILE, (most + 1) * TILE, TILE)
    return [[*size] for size in product(sides, sides)]
