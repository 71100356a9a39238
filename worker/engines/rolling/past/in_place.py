"""Whether there is a flash-attention that attends to blocks where they are, and is right about it here."""

import importlib
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

import torch

from jobs.contract.settings import WorkerSettings
from worker.engines.base import DeviceLost
from worker.engines.devices import engine_error, first_line
from worker.engines.rolling.past.grouping import Groups
from worker.engines.rolling.past.tables import Tables
from worker.engines.rolling.pool import InPlace, Pool, Span, blocks_for

logger = logging.getLogger(__name__)

#: Where flash-attention 3 has it. Blocks of 16 tokens are too small for version 2, which wants 256 of them.
_MODULE, _NAME = "flash_attn_interface", "flash_attn_with_kvcache"
#: Tokens of the rows that are tried: one, less than a block, a block, and more; the most are summed in parts.
_LENGTHS = (1, 5, 16, 50, 200, 3000)
#: For whose GPUs it is made, as CUDA counts them: elsewhere it may end the process.
_HOPPER = 9
#: Between two ways to round the same sums in numbers of 16 bits; what is masked wrongly differs by tenths.
_TOLERANCE = 0.05


def in_place_for(model: Any, settings: WorkerSettings) -> InPlace | None:
    """What attends to a model's blocks where they are; None where they have to be gathered.

    It is tried beside gathering on the device before it is trusted. Raises DeviceLost where that loses it.
    """
    is_half = model.dtype in (torch.float16, torch.bfloat16)
    if settings.attention != "auto" or model.device.type != "cuda" or not is_half:
        return None
    if importlib.util.find_spec(_MODULE) is None:
        return None
    if torch.cuda.get_device_capability(model.device)[0] != _HOPPER:
        return None
    return tried(model, lambda: getattr(importlib.import_module(_MODULE), _NAME))


@torch.inference_mode()
def tried(model: Any, load: Callable[[], InPlace]) -> InPlace | None:
    """What `load` gives, if it attends as gathered blocks are attended to, in windows as well."""
    try:
        in_place = load()
        why = _why_wrong(model, in_place)
    except Exception as error:
        known = engine_error(error)
        if isinstance(known, DeviceLost):
            raise known from error
        why = f"{type(error).__name__}: {first_line(error)}"
    if why is not None:
        logger.warning(
            "Blocks are gathered before they are attended to, since flash-attention does not do it here: %s."
            " Answers are as they were. EVA01_ATTENTION=sdpa says so from the start.",
            why,
        )
        return None
    logger.info("Rows attend to their blocks where they are, by flash-attention")
    return in_place


def _why_wrong(model: Any, in_place: InPlace) -> str | None:
    text = model.config.get_text_config()
    pool = Pool(text, model.device, model.dtype, in_place)
    rows = [Span(length - 1, length, pool.take(blocks_for(length))) for length in _LENGTHS]
    # Other blocks than the first ones, not in their order.
    rows = [Span(row.begin, row.end, row.blocks[::-1]) for row in rows]
    pool.reserve(pool.count)
    numbers = torch.Generator(model.device).manual_seed(0)
    for tensor in (pool.keys[0], pool.values[0]):
        tensor.normal_(generator=numbers)
    query = pool.keys[0].new_empty(text.num_attention_heads, len(rows), pool.keys[0].shape[-1])
    query.normal_(generator=numbers)
    own = getattr(text, "sliding_window", None)
    # With a scaling of 1 a few tokens of a long row count, and not the mean of all, which is near to nothing.
    for window, scaling in dict.fromkeys([(None, None), (None, 1.0), (20, 0.1), (own, None)]):
        ways = (Tables.of(pool, rows), Groups.of(pool, rows))
        found, right = (way.attend(query, pool, 0, window, scaling) for way in ways)
        if not torch.allclose(found.float(), right.float(), atol=_TOLERANCE, rtol=0):
            return f"it differs from what is gathered by {(found - right).abs().max():.2g} (window {window})"
    return None
