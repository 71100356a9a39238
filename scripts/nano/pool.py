"""Batches drawn and tokenized ahead of the trainer, by processes of their own.

Batch `n` of a phase depends on nothing but the seed, the phase and `n`: a run can be resumed anywhere and
sees what it would have seen. All images of a batch have the same grid, so that they stack.
"""

import multiprocessing
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.pool import AsyncResult

import numpy as np
from PIL import Image
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from scripts.nano import drawing, questions, world
from scripts.nano.cells import IGNORE, Cells, cell_labels
from scripts.nano.colors import NAMES
from scripts.nano.fields import ask_fields
from scripts.nano.tokenizer import IMAGE_AREA, SYSTEM_PROMPT, build_tokenizer
from scripts.nano.world import Scene

#: Side of a visual token in pixels of the resized image (patch 14, merged 2 x 2).
CELL_PX = 28
#: Scenes larger than this are drawn smaller from the start; the model sees far less anyway.
MAX_DRAWN_PIXELS = 208 * 208
#: Batches that each process keeps ready, so that a slow one does not make the trainer wait.
PREFETCH = 6

_KIND_WEIGHTS = {
    "describe": 5.0,
    "background": 1.0,
    "count": 1.5,
    "shapes": 2.0,
    "color": 2.0,
    "fields": 3.0,
}


@dataclass(frozen=True)
class Texts:
    """Several questions with answers behind one image; all arrays (batch, length).

    Each question is a branch that sees the image and itself only. Positions count from the first token
    after the image. `labels[t]` is the token to come after `t`, IGNORE outside answers.
    """

    ids: np.ndarray
    labels: np.ndarray
    branch: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Images (batch, height, width, 3) of bytes, with what is to be learned from them."""

    pixels: np.ndarray
    cells: Cells
    texts: Texts | None


@dataclass(frozen=True)
class Order:
    """What a batch is to be: `branches` questions behind each of `size` images; none for vision only."""

    seed: int
    phase: str
    index: int
    size: int
    branches: int


@cache
def _tokenizer() -> Qwen2Tokenizer:
    return build_tokenizer()


@cache
def encode(text: str) -> tuple[int, ...]:
    """Token ids of a text; control tokens in it are encoded as such."""
    return tuple(_tokenizer()(text).input_ids)


def prompt_head() -> tuple[int, ...]:
    """Everything the chat template puts in front of the image's tokens."""
    return encode(f"<|im_start|>system\n{SYSTEM_PROMPT}<|im_end|>\n<|im_start|>user\n<|vision_start|>")


@cache
def _sizes_by_grid() -> dict[tuple[int, int], list[tuple[int, int]]]:
    rng = random.Random(0)
    by_grid = defaultdict(list)
    for _ in range(20_000):
        width, height = world.sample_size(rng)
        by_grid[resized(width, height)].append((width, height))
    return {grid: sizes for grid, sizes in by_grid.items() if len(sizes) >= 20}


def resized(width: int, height: int) -> tuple[int, int]:
    """Height and width in pixels that the image processor resizes to."""
    size: tuple[int, int] = smart_resize(height, width, CELL_PX, IMAGE_AREA, IMAGE_AREA)
    return size


def _sample_question(scene: Scene, rng: random.Random) -> questions.Question:
    language = rng.choice(questions.LANGUAGES)
    kind = rng.choices(list(_KIND_WEIGHTS), list(_KIND_WEIGHTS.values()))[0]
    if kind == "fields":
        return ask_fields(scene, rng, language)
    if kind == "describe" and rng.random() < 0.1:
        return questions.ask_anything(scene, rng, language)
    shape = ""
    if kind == "color":
        single, absent = questions.single_shapes(scene), questions.absent_shapes(scene)
        is_absent = not single or (absent and rng.random() < 0.12)
        if not single and (not absent or rng.random() < 0.7):
            kind = "describe"
        else:
            shape = rng.choice(absent if is_absent else single)
    return questions.retyped(questions.ask(scene, rng, kind, language, shape=shape), rng)


def pack(asked: list[list[questions.Question]]) -> Texts:
    """Lay each image's questions and answers one behind the other."""
    turn_end, reply = encode("<|im_end|>"), encode("<|im_end|>\n<|im_start|>assistant\n")
    after_image = encode("<|vision_end|>")
    rows = [[(encode(q.told) + reply, encode(q.answer) + turn_end) for q in row] for row in asked]
    length = 1 + max(sum(len(prompt) + len(reply_) for prompt, reply_ in row) for row in rows)
    ids = np.full((len(rows), length), encode("<|endoftext|>")[0], np.int64)
    labels, branch = np.full_like(ids, IGNORE), np.full_like(ids, -1)
    positions = np.zeros_like(ids)
    ids[:, 0], branch[:, 0] = after_image[0], 0
    for index, row in enumerate(rows):
        start = 1
        for number, (prompt, reply_) in enumerate(row, start=1):
            middle, end = start + len(prompt), start + len(prompt) + len(reply_)
            ids[index, start:end], branch[index, start:end] = prompt + reply_, number
            positions[index, start:end] = np.arange(1, end - start + 1)
            labels[index, middle - 1 : end - 1] = reply_
            start = end
    return Texts(ids, labels, branch, positions)


def make_batch(order: Order) -> Batch:
    """Draw, label and tokenize one batch."""
    rng = random.Random(f"{order.seed}/{order.phase}/{order.index}")
    by_grid = _sizes_by_grid()
    height, width = rng.choices(list(by_grid), [len(sizes) for sizes in by_grid.values()])[0]
    pixels, labels, scenes = [], [], []
    for _ in range(order.size):
        # Half of the scenes are as hard as the measured ones, half are harder.
        limits = rng.choice((world.TRAINING, world.MEASURED))
        scene = world.sample_scene(rng, rng.choice(by_grid[height, width]), limits)
        image = drawing.draw(scene, rng, max_pixels=MAX_DRAWN_PIXELS)
        pixels.append(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)))
        labels.append(cell_labels(scene, height // CELL_PX, width // CELL_PX))
        scenes.append(scene)
    what, color, rank = (np.stack(part) for part in zip(*labels, strict=True))
    background = np.array([NAMES.index(scene.background) for scene in scenes])
    cells = Cells(what, color, rank, background, np.array([len(scene.shapes) for scene in scenes]))
    texts = None
    if order.branches:
        texts = pack([[_sample_question(scene, rng) for _ in range(order.branches)] for scene in scenes])
    return Batch(np.stack(pixels), cells, texts)


def batches(
    seed: int, phase: str, *, start: int, stop: int, size: int, branches: int, drawers: int = 1
) -> Iterator[Batch]:
    """Batches `start` to `stop` of a phase, drawn by `drawers` processes, a few of them always ready."""
    with multiprocessing.get_context("spawn").Pool(drawers) as workers:
        waiting: deque[AsyncResult[Batch]] = deque()
        for index in range(start, stop):
            waiting.append(workers.apply_async(make_batch, (Order(seed, phase, index, size, branches),)))
            if len(waiting) > PREFETCH * drawers:
                yield waiting.popleft().get()
        while waiting:
            yield waiting.popleft().get()
