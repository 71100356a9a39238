"""A Qwen2.5-VL of about 47 million random weights."""

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from worker.engines.layers import replace_layers

#: The 7B's shape, an eighth as wide: 7 query heads for each key head, an MLP of 5.3 times the width, untied
#: embeddings, mRoPE sections as 2 : 3 : 3; a vision tower 0.36 times as wide with an MLP of 2.7 times that,
#: which looks at windows but in every eighth layer.
#: Source: the config.json of Qwen/Qwen2.5-VL-7B-Instruct.
_TEXT = {
    "hidden_size": 448,
    "num_hidden_layers": 8,
    "num_attention_heads": 7,
    "num_key_value_heads": 1,
    "intermediate_size": 2368,
    "vocab_size": 16_384,
    "max_position_embeddings": 4096,
    "bos_token_id": None,
    "eos_token_id": 16_002,
    "rope_parameters": {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6},
}
_VISION = {
    "hidden_size": 160,
    "depth": 8,
    "num_heads": 2,
    "intermediate_size": 428,
    "out_hidden_size": 448,
    "fullatt_block_indexes": [7],
    "window_size": 112,
}
#: Tokens below this are words; control tokens follow, as `CONTROL_TOKENS` of scripts/nano has them.
WORDS = 16_000
PAD, END, VISION_START, VISION_END, IMAGE, VIDEO = (WORDS + place for place in (0, 2, 9, 10, 12, 13))


def random_model() -> Qwen2_5_VLForConditionalGeneration:
    """The model as the engine has it, in fp32 on the CPU; it never writes an end token."""
    model = random_weights()
    replace_layers(model)
    generation = model.generation_config
    generation.do_sample, generation.eos_token_id, generation.pad_token_id = False, None, 0
    return model


def random_weights() -> Qwen2_5_VLForConditionalGeneration:
    """The model as its files have it, always the same."""
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(
        text_config=_TEXT,
        vision_config=_VISION,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=False,
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval().float()
