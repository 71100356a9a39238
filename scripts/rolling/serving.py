"""Both ways to answer jobs: one batch after the other, and the rolling batch."""

import time
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import torch

from scripts.rolling.load import Asked
from scripts.run import Run
from worker.engines.rolling.attention import NAME
from worker.engines.rolling.loop import RollingLoop

#: Tokens of new prompts between two steps: fewer than EVA01_PREFILL_TOKENS' default, as the model is smaller.
PREFILL_TOKENS = 512
_NO_LIMIT = 10**9


class Clock:
    """Seconds since it was made; waits for arrivals."""

    def __init__(self) -> None:
        self._began_s = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self._began_s

    def wait_until(self, when_s: float) -> None:
        """Sleep until that time; return at once if it has passed."""
        time.sleep(max(0.0, when_s - self()))


def serve_static(model: Any, jobs: Sequence[Asked], arrivals_s: Sequence[float], slots: int) -> Run:
    """Take what has arrived, `slots` at most, and answer it to the end before the next is taken."""
    model.model.language_model.set_attn_implementation("sdpa")
    clock, latencies_s, done = Clock(), [], 0
    while done < len(jobs):
        clock.wait_until(arrivals_s[done])
        count = min(slots, bisect_right(arrivals_s, clock()) - done)
        answer_batch(model, jobs[done : done + count])
        latencies_s += [clock() - at_s for at_s in arrivals_s[done : done + count]]
        done += count
    return Run(clock(), latencies_s)


@torch.inference_mode()
def answer_batch(model: Any, batch: Sequence[Asked]) -> torch.Tensor:
    """The tokens of transformers' `generate` for a batch padded on the left; all as long as the longest."""
    longest = max(job.tensors["input_ids"].shape[1] for job in batch)
    inputs = {
        name: torch.cat([_pad(job.tensors[name], longest) for job in batch])
        for name in ("input_ids", "attention_mask", "mm_token_type_ids")
    }
    inputs |= {
        name: torch.cat([job.tensors[name] for job in batch]) for name in ("pixel_values", "image_grid_thw")
    }
    out: torch.Tensor = model.generate(**inputs, max_new_tokens=max(job.output_tokens for job in batch))
    return out[:, longest:]


def _pad(row: torch.Tensor, length: int) -> torch.Tensor:
    return torch.nn.functional.pad(row, (length - row.shape[1], 0))


def serve_rolling(model: Any, jobs: Sequence[Asked], arrivals_s: Sequence[float], slots: int) -> Run:
    """Hand over what has arrived before each turn, and note each answer as it comes."""
    loop, clock = new_loop(model, slots), Clock()
    arrived: dict[Any, float] = {}
    latencies_s: list[float] = []
    while len(latencies_s) < len(jobs):
        if loop.is_idle:
            clock.wait_until(arrivals_s[len(arrived)])
        while len(arrived) < len(jobs) and arrivals_s[len(arrived)] <= clock():
            job = jobs[len(arrived)]
            request = loop.request(job.tensors, job.output_tokens)
            arrived[request] = arrivals_s[len(arrived)]
            loop.submit(request)
        ended = [outcome.request for outcome in loop.turn()]
        latencies_s += [clock() - arrived[request] for request in ended]
    return Run(clock(), latencies_s)


def new_loop(model: Any, rows: int) -> RollingLoop:
    """A loop without end tokens: a row ends at its token limit."""
    model.model.language_model.set_attn_implementation(NAME)
    return RollingLoop(
        model, (), rows=rows, budget_tokens=_NO_LIMIT, prefill_tokens=PREFILL_TOKENS, timeout_s=_NO_LIMIT
    )
