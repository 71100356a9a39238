"""Models of the shape of real ones, with random weights: answers mean nothing, and no token ends one."""

from typing import Any

import torch
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from scripts.nano.tokenizer import CONTROL_TOKENS

#: Tokens before the control tokens, as in the tokenizer of Qwen/Qwen2.5-VL-7B-Instruct.
WORDS = 151_643
_TEXT = {
    "num_key_value_heads": 4,
    "max_position_embeddings": 128_000,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
}
_VISION = {
    "hidden_size": 1280,
    "depth": 32,
    "num_heads": 16,
    "intermediate_size": 3420,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "window_size": 112,
}
#: By the name of the model: its decoder, and whether its embeddings are its head as well.
#: Sources: the config.json of Qwen/Qwen2.5-VL-7B-Instruct and of Qwen/Qwen2.5-VL-3B-Instruct.
SHAPES: dict[str, tuple[dict[str, Any], bool]] = {
    "random-7b": (
        _TEXT
        | {
            "hidden_size": 3584,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "intermediate_size": 18_944,
            "vocab_size": 152_064,
        },
        False,
    ),
    "random-3b": (
        _TEXT
        | {
            "hidden_size": 2048,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "intermediate_size": 11_008,
            "vocab_size": 151_936,
        },
        True,
    ),
}


def config_of(name: str) -> Qwen2_5_VLConfig:
    """The config of one of them."""
    text, is_tied = SHAPES[name]
    numbers = _numbers()
    return Qwen2_5_VLConfig(
        text_config=text | {"bos_token_id": None, "eos_token_id": numbers["<|im_end|>"]},
        vision_config=_VISION | {"out_hidden_size": text["hidden_size"]},
        image_token_id=numbers["<|image_pad|>"],
        video_token_id=numbers["<|video_pad|>"],
        vision_start_token_id=numbers["<|vision_start|>"],
        vision_end_token_id=numbers["<|vision_end|>"],
        tie_word_embeddings=is_tied,
    )


def random_model(name: str, device: str = "cuda") -> Any:
    """One of them in bfloat16, drawn on the device."""
    torch.manual_seed(0)
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration._from_config(config_of(name), dtype=torch.bfloat16)
    numbers = _numbers()
    ends = [numbers["<|im_end|>"], numbers["<|endoftext|>"]]
    with torch.no_grad():
        model.lm_head.weight[WORDS:] = 0
    model.generation_config = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=ends[1])
    return model.eval()


def _numbers() -> dict[str, int]:
    return {token: WORDS + place for place, token in enumerate(CONTROL_TOKENS)}
