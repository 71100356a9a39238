"""A folder as the hub has it: weights, tokens, a template, and the settings of a processor."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from tests.families.miniatures import NANO

#: An encoder of images, and a decoder of text.
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = VISION | {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}
#: What most image processors are told.
PICTURES = {
    **dict.fromkeys(("do_convert_rgb", "do_normalize", "do_rescale", "do_resize"), True),
    **dict.fromkeys(("image_mean", "image_std"), [0.5] * 3),
    "rescale_factor": 1 / 255,
}


class Tokens:
    """nano's tokens and some more; `ids` are those of the ones that were added."""

    def __init__(self, *more: str, bos: str | None = None) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(NANO)
        self.tokenizer.add_special_tokens(
            {"additional_special_tokens": [*more]}, replace_extra_special_tokens=False
        )
        if bos:
            self.tokenizer.bos_token = bos
        self.ids: list[int] = self.tokenizer.convert_tokens_to_ids([*more])

    def text(self, **more: Any) -> dict[str, Any]:
        """What a decoder of them is told."""
        own = self.tokenizer
        ends = {"eos_token_id": own.eos_token_id, "pad_token_id": own.pad_token_id}
        return TEXT | {"vocab_size": len(own)} | ends | more


def chat(image: str, start: str = "<|im_start|>", end: str = "<|im_end|>") -> str:
    """A chat template in which `image` stands for one."""
    return (
        "{% for message in messages %}" + start + "{{ message['role'] }}\n"
        "{% for part in message['content'] %}{% if part['type'] == 'image' %}" + image + "{% else %}"
        "{{ part['text'] }}{% endif %}{% endfor %}" + end + "\n{% endfor %}"
        "{% if add_generation_prompt %}" + start + "assistant\n{% endif %}"
    )


def save(
    folder: Path,
    model: Any,
    tokens: Tokens,
    template: str,
    *,
    processor: str,
    images: dict[str, Any],
    more: dict[str, Any] | None = None,
    video: str | None = None,
    named: dict[str, str] | None = None,
    seed: int = 0,
) -> Path:
    """Write all files: `more` is its processor's own, `named` what tokens its tokenizer calls by a name.

    By some seeds a model has nothing but control tokens to say.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, min(0.3, 1.2 / weight.shape[-1] ** 0.5))
    model.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    whose = {"processor_class": processor}
    written = {"preprocessor_config": images | whose, "processor_config": (more or {}) | whose}
    if video:
        written["video_preprocessor_config"] = {"video_processor_type": video} | whose
    for name, settings in written.items():
        (folder / f"{name}.json").write_text(json.dumps(settings))
    change(folder, "tokenizer_config", **whose, **({"extra_special_tokens": named} if named else {}))
    return folder


def change(folder: Path, name: str, **more: Any) -> None:
    """Say something else in a file of JSON."""
    path = folder / f"{name}.json"
    said = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(said | more))
