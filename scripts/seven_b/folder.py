"""A folder with random weights in the shape of Qwen2.5-VL-7B, and as many tokens as that has.

The tokens are pieces of this project's own pages, each behind the number that a control token has in the
stock folder; nothing is merged, so a question takes a token a byte.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

from jobs.contract.catalog import MODELS_FOLDER
from scripts.compare_grammars import vocabulary
from scripts.gpu.shapes import WORDS, random_model
from scripts.nano.tokenizer import CONTROL_TOKENS

NANO = MODELS_FOLDER / "nano"
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
    random_model("random-7b").save_pretrained(folder)


def make(folder: Path) -> None:
    """The whole folder; Qwen's processor reads it, and so does the worker's engine."""
    if not (folder / "tokenizer.json").exists():
        write_tokens(folder, vocabulary(WORDS + 1)[:-1])
    if not any(folder.glob("*.safetensors")):
        free_gb = shutil.disk_usage(folder).free / 1e9
        if free_gb < 18:
            raise SystemExit(
                f"{folder} has {free_gb:.0f} GB left; the weights take 17. Give another --folder."
            )
        write_weights(folder)
