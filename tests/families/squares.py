"""Families that see an image in a square, or in as many patches as one has."""

from pathlib import Path
from typing import Any

import transformers

from tests.families.folder import PICTURES, VISION, Tokens, chat, save

_SIDE = 56
_EYE = VISION | {"image_size": _SIDE, "patch_size": 14, "vision_use_head": False}
_MARKS = (
    "<image_soft_token>",
    "<start_of_image>",
    "<end_of_image>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
)
_GEMMA3_NAMES = ("image_token", "boi_token", "eoi_token")
_GEMMA4_NAMES = (
    "image_token",
    "boi_token",
    "eoi_token",
    "audio_token",
    "boa_token",
    "eoa_token",
    "video_token",
)
_GEMMA4_MARKS = ("<|image|>", "<|image>", "<image|>", "<|audio|>", "<|audio>", "<audio|>", "<|video|>")


def gemma3(folder: Path) -> Path:
    """Gemma 3; with ends that are tied so small a model says its last token again and again."""
    tokens = Tokens(*_MARKS, bos="<bos>")
    image, begin, end, *_ = tokens.ids
    config = transformers.Gemma3Config(
        text_config=_text(tokens, query_pre_attn_scalar=16),
        vision_config=_EYE,
        mm_tokens_per_image=4,
        boi_token_index=begin,
        eoi_token_index=end,
        image_token_index=image,
        tie_word_embeddings=False,
    )
    return _save_gemma3(folder, transformers.Gemma3ForConditionalGeneration(config), tokens)


def t5gemma2(folder: Path) -> Path:
    """T5Gemma 2: an encoder reads the prompt, and a decoder answers."""
    tokens = Tokens(*_MARKS, bos="<bos>")
    image, begin, end, *_ = tokens.ids
    text = _text(tokens, query_pre_attn_scalar=16)
    encoder = {"text_config": text, "vision_config": _EYE, "mm_tokens_per_image": 4}
    marks = {"boi_token_index": begin, "eoi_token_index": end, "image_token_index": image}
    config = transformers.T5Gemma2Config(
        encoder=encoder | marks | {"vocab_size": len(tokens.tokenizer)},
        decoder=dict(text),
        image_token_index=image,
        image_token_id=image,
        eoi_token_index=end,
    )
    model = transformers.T5Gemma2ForConditionalGeneration(config)
    model.generation_config.decoder_start_token_id = tokens.tokenizer.bos_token_id
    return _save_gemma3(folder, model, tokens, seed=5)


def gemma4(folder: Path) -> Path:
    """Gemma 4: reads the number format of its layers from their weights."""
    tokens = Tokens(*_GEMMA4_MARKS, "<bos>", bos="<bos>")
    image, begin, end, audio, audio_begin, audio_end, video, _ = tokens.ids
    words = len(tokens.tokenizer)
    config = transformers.Gemma4Config(
        text_config=_text(tokens, global_head_dim=16, vocab_size_per_layer_input=words)
        | {"hidden_size_per_layer_input": 8},
        vision_config=VISION | {"num_key_value_heads": 2, "head_dim": 16, "position_embedding_size": 1024},
        audio_config=None,
        image_token_id=image,
        boi_token_id=begin,
        eoi_token_id=end,
        audio_token_id=audio,
        boa_token_id=audio_begin,
        eoa_token_index=audio_end,
        video_token_id=video,
    )
    return save(
        *(folder, transformers.Gemma4ForConditionalGeneration(config), tokens),
        "{{ '<bos>' }}" + chat("<|image|>"),
        processor="Gemma4Processor",
        images=(
            seen := PICTURES
            | {"image_processor_type": "Gemma4ImageProcessor", "patch_size": 16}
            | {"max_soft_tokens": 70, "pooling_kernel_size": 3}
        ),
        more={"image_seq_length": 70, "audio_seq_length": 70, "image_processor": seen}
        | {"feature_extractor": {"feature_extractor_type": "Gemma4AudioFeatureExtractor"}}
        | {"video_processor": {"video_processor_type": "Gemma4VideoProcessor"}},
        named=dict(zip(_GEMMA4_NAMES, _GEMMA4_MARKS, strict=True)),
        seed=1,
    )


def _text(tokens: Tokens, **more: Any) -> dict[str, Any]:
    layers = ["sliding_attention", "full_attention"]
    begin = tokens.tokenizer.bos_token_id
    return tokens.text(head_dim=16, sliding_window=16, layer_types=layers, bos_token_id=begin, **more)


def _save_gemma3(folder: Path, model: Any, tokens: Tokens, seed: int = 0) -> Path:
    return save(
        *(folder, model, tokens),
        "{{ '<bos>' }}" + chat("<start_of_image>", "<start_of_turn>", "<end_of_turn>"),
        processor="Gemma3Processor",
        images=PICTURES
        | {"image_processor_type": "Gemma3ImageProcessor", "image_seq_length": 4}
        | {"size": {"height": _SIDE, "width": _SIDE}},
        more={"image_seq_length": 4},
        named=dict(zip(_GEMMA3_NAMES, _MARKS, strict=False)),
        seed=seed,
    )
