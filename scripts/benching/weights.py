"""`python -m scripts.benching.weights FOLDER` makes a folder with the model of scripts/rolling.

Its answers mean nothing, and end where they are told to: no token of its own ends one.
"""

import sys
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase

import torch
from transformers import GenerationConfig

from scripts.rolling.model import END, PAD, WORDS, random_weights
from scripts.seven_b.folder import write_tokens

#: Of an image; vLLM tries one of them before it serves.
_MOST_PIXELS = 250_000


def main() -> None:
    """Write weights and tokens."""
    folder = Path(sys.argv[1])
    model = random_weights()
    with torch.no_grad():
        model.lm_head.weight[WORDS:] = 0
    model.generation_config = GenerationConfig(do_sample=False, eos_token_id=[END, PAD], pad_token_id=PAD)
    model.save_pretrained(folder)
    syllables = ("".join(letters).encode() for letters in product(ascii_lowercase, repeat=3))
    write_tokens(
        folder, [*(bytes([byte]) for byte in range(256)), *islice(syllables, WORDS - 256)], _MOST_PIXELS
    )


if __name__ == "__main__":
    main()
