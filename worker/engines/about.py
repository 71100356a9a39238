"""What is to be known of a model that is loaded, in words for people."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.sizes import size
from worker.engines.base import Fact
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.setup import bytes_per_token
from worker.ops.cores import core_count


def model_facts(model: Any, device: str, weights_bytes: int) -> Sequence[Fact]:
    """Its family, and what of it is where."""
    config = model.config
    dtype, attention = str(model.dtype).removeprefix("torch."), config._attn_implementation
    cores = f", {core_count()} cores" if device == "cpu" else ""
    return [
        ("family", f"{config.model_type} ({type(model).__name__})"),
        ("device", f"{device}{cores}; {dtype}, attention by {attention}"),
        ("weights", f"{size(weights_bytes)} of memory"),
    ]


def rolling_facts(model: Any, loop: RollingLoop, rows: int, seen: int | None, answer: int) -> Sequence[Fact]:
    """How it answers, where jobs come and go.

    The largest usual one has `seen` tokens of its image, None where only the model's own processor knows, and
    `answer` others.
    """
    token, tokens = bytes_per_token(model), loop.budget.tokens
    if seen is None:
        job = f"{size(token)} a token: those of its images and its question, and {answer:,} of its answer"
    else:
        job = f"up to {size(token * (seen + answer))}: {seen:,} tokens of its image, {answer:,} of its answer"
    return [
        ("batches", f"rolling: up to {rows} jobs at once (EVA01_ROWS)"),
        ("memory", f"{size(token * tokens)} for {tokens:,} tokens of all jobs (EVA01_CACHE_TOKENS)"),
        ("a job", job),
    ]


def static_facts(reason: str, max_batch: int, batch_tokens: int) -> Sequence[Fact]:
    """How it answers, where it has no rolling batch."""
    limits = f"up to {max_batch} jobs and {batch_tokens:,} visual tokens (EVA01_BATCH_TOKENS)"
    return [("batches", f"static: {reason}"), ("a batch", limits)]


def pixel_fact(pixels: PixelRange | None, usual: int) -> Fact:
    """How large images are seen."""
    if pixels is None:
        return "images", f"up to {usual:,} pixels (MAX_PIXELS), and no batch may choose"
    return "images", (
        f"up to {pixels.default:,} pixels (MAX_PIXELS); a batch may choose from {pixels.least:,} to"
        f" {pixels.most:,}"
    )


def cut_fact(setting: str, *, is_on_device: bool) -> Fact:
    """Where images are made what the model takes."""
    where = "on the device" if is_on_device else "by Pillow, in the slots"
    return "patches", f"images are scaled and cut {where} (EVA01_PREPROCESSING={setting})"


def bytes_of(model: nn.Module) -> int:
    """What a model's weights take of memory, in bytes; those that layers share count once."""
    weights = {id(one): one for one in (*model.parameters(), *model.buffers())}
    return sum(one.numel() * one.element_size() for one in weights.values())
