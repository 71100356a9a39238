"""Models of many families in miniature: random weights, their makers' processors, folders as the hub has.

grids.py     images as grids of patches: Qwen3-VL and its MoE, Qwen3.5, GLM-4V
tiles.py     images in tiles: Idefics3, SmolVLM, InternVL, LLaVA-OneVision, LLaVA-NeXT, Llama 3.2 Vision
squares.py   images as they fit into a square: Gemma 3 and 4, T5Gemma 2
readers.py   those that read documents: GOT-OCR2, DeepSeek-OCR-2
wanting.py   those whose processors need torchvision: LFM2-VL
miniatures.py  other models, whose sizes a test chooses
nursery.py   a process whose children are their workers
"""

from collections.abc import Callable
from pathlib import Path

from tests.families import grids, readers, squares, tiles, wanting

#: Each makes the folder of one, with what it is called.
FAMILIES: dict[str, Callable[[Path], Path]] = {
    "qwen3_vl": grids.qwen3_vl,
    "qwen3_vl_moe": grids.qwen3_vl_moe,
    "qwen3_5": grids.qwen3_5,
    "glm4v": grids.glm4v,
    "idefics3": tiles.idefics3,
    "internvl": tiles.internvl,
    "llava_onevision": tiles.llava_onevision,
    "llava_next": tiles.llava_next,
    "mllama": tiles.mllama,
    "gemma3": squares.gemma3,
    "gemma4": squares.gemma4,
    "t5gemma2": squares.t5gemma2,
    "got_ocr2": readers.got_ocr2,
    "deepseek_ocr2": readers.deepseek_ocr2,
    "lfm2_vl": wanting.lfm2_vl,
}
