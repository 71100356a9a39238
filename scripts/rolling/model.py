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
    "bos_token_id": 16_004,
    "eos_token_id": 16_005,
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
IMAGE, VISION_START, VISION_END, VIDEO = 16_000, 16_001, 16_002, 16_003
#: Tokens below this are words.
WORDS = 16_000


def random_model(seed: int = 0) -> Qwen2_5_VLForConditionalGeneration:
    """The model as the engine has it, in fp32 on the CPU; it never writes an end token."""
    torch.manual_seed(seed)
    config = Qwen2_5_VLConfig(
        text_config=_TEXT,
        vision_config=_VISION,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=False,
    )
    model = Qwen2_5_VLForConditionalGeneration(config).eval().float()
    replace_layers(model)
    generation = model.generation_config
    generation.do_sample, generation.eos_token_id, generation.pad_token_id = False, None, 0
    return model
