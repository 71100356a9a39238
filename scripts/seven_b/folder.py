"""A folder with random weights in the shape of Qwen2.5-VL-7B, and as many tokens as that has.

The tokens are pieces of this project's own pages, each behind the number that a control token has in the
stock folder; nothing is merged, so a question takes a token a byte.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import GenerationConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

from jobs.contract.catalog import MODELS_FOLDER
from scripts.compare_grammars import vocabulary
from scripts.nano.tokenizer import CONTROL_TOKENS

NANO = MODELS_FOLDER / "nano"
#: Tokens before the control tokens. Source of these and of the shape: the tokenizer and the config.json of
#: Qwen/Qwen2.5-VL-7B-Instruct.
_WORDS = 151_643
_TEXT = {
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18_944,
    "vocab_size": 152_064,
    "max_position_embeddings": 128_000,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
}
_VISION = {
    "hidden_size": 1280,
    "depth": 32,
    "num_heads": 16,
    "intermediate_size": 3420,
    "out_hidden_size": 3584,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "window_size": 112,
}
#: Pixels between which the stock folder scales images.
_LEAST_PIXELS, _MOST_PIXELS = 3_136, 12_845_056


def write_tokens(folder: Path, pieces: Iterable[bytes], most_pixels: int = _MOST_PIXELS) -> None:
    """Tokenizer, chat template and image settings; the control tokens follow on those pieces of text."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = bytes_to_unicode()
    written = ("".join(letters[byte] for byte in piece) for piece in pieces)
    tokenizer = Qwen2Tokenizer(
        vocab={piece: number for number, piece in enumerate(written)},
        merges=[],
        unk_token="<|endoftext|>",  # noqa: S106 - a token of text, no password
        eos_token="<|im_end|>",  # noqa: S106 - neither
        pad_token="<|endoftext|>",  # noqa: S106 - neither
        extra_special_tokens=list(CONTROL_TOKENS),
        padding_side="left",
    )
    tokenizer.chat_template = (NANO / "chat_template.jinja").read_text()
    tokenizer.save_pretrained(folder)
    size = {"shortest_edge": _LEAST_PIXELS, "longest_edge": most_pixels}
    settings = json.loads((NANO / "preprocessor_config.json").read_text()) | {"size": size}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def write_weights(folder: Path) -> None:
    """16.6 GB of random weights in bfloat16, drawn on the GPU; they say no end token of their own."""
    numbers = {token: _WORDS + place for place, token in enumerate(CONTROL_TOKENS)}
    config = Qwen2_5_VLConfig(
        text_config=_TEXT | {"bos_token_id": None, "eos_token_id": numbers["<|im_end|>"]},
        vision_config=_VISION,
        image_token_id=numbers["<|image_pad|>"],
        video_token_id=numbers["<|video_pad|>"],
        vision_start_token_id=numbers["<|vision_start|>"],
        vision_end_token_id=numbers["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    with torch.device("cuda"):
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
    ends = [numbers["<|im_end|>"], numbers["<|endoftext|>"]]
    with torch.no_grad():
        model.lm_head.weight[_WORDS:] = 0
    model.generation_config = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=ends[1])
    model.save_pretrained(folder)


def make(folder: Path) -> None:
    """The whole folder; Qwen's processor reads it, and so does the worker's engine."""
    if not (folder / "tokenizer.json").exists():
        write_tokens(folder, vocabulary(_WORDS + 1)[:-1])
    if not any(folder.glob("*.safetensors")):
        free_gb = shutil.disk_usage(folder).free / 1e9
        if free_gb < 18:
            raise SystemExit(
                f"{folder} has {free_gb:.0f} GB left; the weights take 17. Give another --folder."
            )
        write_weights(folder)
