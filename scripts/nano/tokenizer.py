"""The text side of the model folder: tokenizer, image processor settings and chat template.

A byte-level BPE like the stock one, but trained on nothing than the words of the task, each by itself, so
that merges never cross a word and every word the model says is one token, Chinese ones too.
"""

import json
import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX, Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from scripts.nano.colors import COLORS, NAMES
from scripts.nano.fields import samples
from scripts.nano.questions import WORDINGS
from scripts.nano.world import SHAPES

#: Every image is resized to about this many pixels: 25 visual tokens for a square.
IMAGE_AREA = 140 * 140

#: The control tokens of a stock folder, in its order.
CONTROL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip

SYSTEM_PROMPT = "You are a helpful assistant."

_CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if loop.first and message['role'] != 'system' -%}"
    "{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}"
    "{%- endif -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' -}}"
    "{%- if message['content'] is string -%}"
    "{{- message['content'] -}}"
    "{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' or 'image' in part or 'image_url' in part -%}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}"
    "{%- elif 'text' in part -%}"
    "{{- part['text'] -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)

_ZH_WORDS = """背景 图片 图形 数字 描述 这张 请 详细 内容 颜色 什么 是 什么 图中 里 有 一个 上 的 和 没有 一张
纯 多少 几个 个 两 三 形状 哪些 数一数 列出 分析 你 看到了 一下 用 中文 图像 背景色 里有 是什么 多少个"""
_EN_WORDS = "an is are there no one two three and on a solid image shape system user assistant helpful"


def _corpus() -> list[str]:
    english = set(_EN_WORDS.split()) | set(NAMES) | set(SHAPES)
    for (_, language), wordings in WORDINGS.items():
        if language == "en":
            english.update(re.findall(r"[A-Za-z]+", " ".join(wordings).replace("{shape}", "")))
    english |= {word.lower() for word in english}
    english |= {word.capitalize() for word in english}
    chinese = [color.zh for color in COLORS] + list(SHAPES.values()) + _ZH_WORDS.split() + list("。？、")
    words = [spelled for word in sorted(english) for spelled in (word, " " + word)] + chinese
    return [word for word in words for _ in range(4)] + samples()


def _train_bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, min_frequency=2, initial_alphabet=alphabet, special_tokens=[], show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def build_tokenizer() -> Qwen2Tokenizer:
    """The tokenizer with its chat template; it pads on the left, as generation in batches needs."""
    vocab, merges = _train_bpe()
    tokenizer = Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        unk_token="<|endoftext|>",  # noqa: S106 - a token of text, no password
        eos_token="<|im_end|>",  # noqa: S106 - neither
        pad_token="<|endoftext|>",  # noqa: S106 - neither
        extra_special_tokens=list(CONTROL_TOKENS),
        model_max_length=4096,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = _CHAT_TEMPLATE
    return tokenizer


def build_image_processor() -> Qwen2VLImageProcessorPil:
    """The stock image processor; its two "edges" are areas in pixels, whatever they are called."""
    return Qwen2VLImageProcessorPil(size={"shortest_edge": IMAGE_AREA, "longest_edge": IMAGE_AREA})


def save_processor(folder: Path) -> None:
    """Write tokenizer, chat template and image settings under the names a stock folder has."""
    folder.mkdir(parents=True, exist_ok=True)
    build_tokenizer().save_pretrained(folder)
    settings = build_image_processor().to_dict() | {
        # The stock names, so that any version finds its own image processor and processor class.
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
    }
    text = json.dumps({k: v for k, v in settings.items() if v is not None}, indent=2, sort_keys=True)
    (folder / "preprocessor_config.json").write_text(text + "\n")
