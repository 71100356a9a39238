"""What has to hold on a device, whatever its speed; each gives numbers for the table."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import torch

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import EngineFailure
from scripts.seven_b import jobs
from scripts.seven_b.measures import Numbers, new_loop, submit
from worker.engines.base import Answer
from worker.engines.rolling.answers import RollingAnswers
from worker.engines.rolling.attention import NAME
from worker.engines.rolling.loop import RollingLoop
from worker.engines.seeing.processors import JobInput
from worker.engines.transformers_engine import TransformersEngine

_RECEIPT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["receipt", "invoice", "other"]},
        "total": {"type": ["number", "null"], "minimum": 0, "maximum": 9999},
        "paid": {"type": "boolean"},
        "day": {"type": ["string", "null"], "format": "date"},
    },
    "required": ["kind", "total", "paid", "day"],
    "additionalProperties": False,
}
#: Memory that is left while it is made to run out, in bytes: less than all rows together take.
_LEFT = 500_000_000
_LOSE_DEVICE = """
import torch
from worker.engines.devices import engine_error
try:
    torch.zeros(4, device="cuda")[torch.tensor([10**6], device="cuda")].tolist()
except Exception as error:
    print(type(engine_error(error)).__name__)
"""


def answers(engine: TransformersEngine, loop: RollingLoop, prepared: Sequence[JobInput]) -> list[Any]:
    """Answers or failures in the jobs' order."""
    rolling = RollingAnswers(loop, engine._conversation.answers.of, engine._conversation.aloud)
    requests = [loop.request(one.tensors, one.max_new_tokens, grammar=one.grammar) for one in prepared]
    for request in requests:
        rolling.submit(request)
    found: dict[Any, Any] = {}
    while not rolling.is_idle:
        found |= {ended.request: ended.outcome for ended in rolling.turn()}
    return [found.get(request) for request in requests]


def alone(engine: TransformersEngine, prepared: Sequence[JobInput]) -> list[Answer | EngineFailure]:
    """The same by `generate`, one job at a time."""
    language: Any = engine._model.model.language_model
    language.set_attn_implementation("sdpa")
    try:
        return [engine.generate([one])[0] for one in prepared]
    finally:
        language.set_attn_implementation(NAME)


def _texts(found: Sequence[Any]) -> list[str]:
    return [one.text if isinstance(one, Answer) else repr(one) for one in found]


def same(engine: TransformersEngine, count: int, seed: int) -> Numbers:
    """How many answers of a rolling batch of mixed jobs are those of `generate` on the job alone."""
    prepared = jobs.draw(engine, count, seed, length=lambda rng: rng.randint(8, 48))
    together = _texts(answers(engine, new_loop(engine, count), prepared))
    equal = [one == other for one, other in zip(together, _texts(alone(engine, prepared)), strict=True)]
    return {f"answers as of `generate` alone, {engine._model.dtype}, of {count}": sum(equal)}


def valid(engine: TransformersEngine, count: int, seed: int) -> Numbers:
    """How many of so many answers that are held to a schema are whole and hold to it."""
    wanted = ResponseFormat.of_schema(_RECEIPT)
    prepared = jobs.draw(engine, count, seed, length=lambda _: 200, response_format=wanted)
    found = answers(engine, new_loop(engine, 24), prepared)
    objects = [json.loads(one.text) for one in found if isinstance(one, Answer) and not one.failure()]
    whole = [one for one in objects if list(one) == [*_RECEIPT["properties"]]]
    return {f"answers that hold to their schema, of {count}": len(whole)}


def out_of_memory(engine: TransformersEngine, count: int, seed: int) -> Numbers:
    """How many are answered, and as alone, where the device's memory runs out for real on the way."""
    prepared = jobs.draw(engine, count, seed, length=lambda rng: rng.randint(8, 48))
    wanted = _texts(answers(engine, new_loop(engine, count), prepared))
    loop = new_loop(engine, count, cache_tokens=10**7)
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    ballast = torch.empty(max(0, free - _LEFT), dtype=torch.uint8, device="cuda")
    found = answers(engine, loop, prepared)
    del ballast
    torch.cuda.empty_cache()
    answered = sum(isinstance(one, Answer) for one in found)
    equal = sum(one == other for one, other in zip(_texts(found), wanted, strict=True))
    return {
        f"answered although memory ran out, of {count}": answered,
        f"of these as with memory enough, {engine._model.dtype}": equal,
        "prefill tokens after that (2,048 before)": loop.prefill_tokens,
        "tokens in the cache after that (10 million before)": loop.budget.tokens,
    }


def lost_device() -> Numbers:
    """1 where an error that ends the use of the device, in another process, is told from all others."""
    ended = subprocess.run(
        [sys.executable, "-c", _LOSE_DEVICE], capture_output=True, text=True, timeout=120, check=False
    )
    return {"a lost device is known as one (1 = yes)": float("DeviceLost" in ended.stdout)}


def warm(engine: TransformersEngine) -> None:
    """Run a few jobs, so that nothing is measured while libraries are still being loaded."""
    loop = new_loop(engine, 4)
    submit(loop, jobs.draw(engine, 6, 0, length=lambda _: 8))
    while not loop.is_idle:
        loop.turn()
