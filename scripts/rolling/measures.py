"""The measures; each function runs one round."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from scripts.rolling.load import Asked, draw_jobs, geometric
from scripts.rolling.serving import answer_batch, new_loop, serve_rolling, serve_static
from worker.engines.rolling.loop import RollingLoop

#: Rows that run while another job arrives.
RUNNING = 8
#: Jobs of a backlog: many, so that the end, when few rows are left, has little weight.
_JOBS = 256
#: Jobs whose latencies are compared: enough for a 95th percentile.
_LATE_JOBS = 96
_FEWER_JOBS_A_SLOT = 4
#: Images of a job that asks about several.
SEVERAL = 4


def gain(model: Any, slots: int, length: Callable[[random.Random], int], seed: int) -> dict[str, float]:
    """Images a second with a backlog from the start, both ways; the ratios of these and of p95 latencies."""
    jobs = draw_jobs(_JOBS if length is geometric else _FEWER_JOBS_A_SLOT * slots, length, seed)
    static = serve_static(model, jobs, [0.0] * len(jobs), slots)
    rolling = serve_rolling(model, jobs, [0.0] * len(jobs), slots)
    return {
        "static": static.per_s,
        "rolling": rolling.per_s,
        "ratio": rolling.per_s / static.per_s,
        "p95": rolling.p95_s / static.p95_s,
    }


def several(model: Any, slots: int, seed: int) -> dict[str, float]:
    """Jobs a second where each is about several images, all there from the start, both ways; their ratio."""
    jobs = draw_jobs(_FEWER_JOBS_A_SLOT * slots, geometric, seed, images=SEVERAL)
    static = serve_static(model, jobs, [0.0] * len(jobs), slots).per_s
    rolling = serve_rolling(model, jobs, [0.0] * len(jobs), slots).per_s
    return {"static": static, "rolling": rolling, "ratio": rolling / static}


def latency(model: Any, slots: int, static_per_s: float, seed: int) -> dict[str, float]:
    """The 95th percentile of seconds from arrival to answer, when jobs come at random times (Poisson).

    They come at the highest rate at which static batches keep up.
    """
    jobs = draw_jobs(_LATE_JOBS, geometric, seed)
    rng, now_s, arrivals_s = random.Random(seed), 0.0, []
    for _ in jobs:
        now_s += rng.expovariate(static_per_s)
        arrivals_s.append(now_s)
    static = serve_static(model, jobs, arrivals_s, slots).p95_s
    rolling = serve_rolling(model, jobs, arrivals_s, slots).p95_s
    return {"static": static, "rolling": rolling, "ratio": rolling / static}


def admission(model: Any, seed: int) -> dict[str, float]:
    """Seconds from a job's arrival while others run to its first token; their ratio to two steps + prefill.

    It arrives at a random moment of a turn; its prefill is measured as the first turn of the job alone.
    """
    rng = random.Random(seed)
    late, *others = draw_jobs(RUNNING + 1, lambda _: 200, seed)
    own_s = timed(_with(new_loop(model, RUNNING + 1), [late]).turn)
    loop = _with(new_loop(model, RUNNING + 1), others)
    while loop.in_flight < RUNNING:
        loop.turn()
    steps_s = [timed(loop.turn) for _ in range(20)]
    # The rest of the turn in which it arrives.
    took_s = (1 - rng.random()) * steps_s[-1]
    took_s += timed(_with(loop, [late]).turn)
    step_s = median(steps_s)
    return {"seconds": took_s, "step": step_s, "prefill": own_s, "ratio": took_s / (2 * step_s + own_s)}


def overhead(model: Any, slots: int, seed: int) -> dict[str, float]:
    """The share of a step spent outside the model's forward, while the rows stay the same."""
    loop = _with(new_loop(model, slots), draw_jobs(slots, lambda _: 200, seed))
    while loop.in_flight < slots:
        loop.turn()
    with _forward_timer(model) as inside:
        whole_s = sum(timed(loop.turn) for _ in range(60))
    return {"share": 1 - sum(inside) / whole_s, "step": whole_s / 60}


def stalls(model: Any, slots: int, seed: int) -> dict[str, float]:
    """How long rows in flight wait between two tokens, without newcomers and with them (seconds)."""
    loop = _with(new_loop(model, slots), draw_jobs(_FEWER_JOBS_A_SLOT * slots, geometric, seed))
    loop.turn()
    quiet: list[float] = []
    busy: list[float] = []
    while not loop.is_idle:
        before = set(loop.on_device())
        seconds = timed(loop.turn)
        if before:
            (busy if set(loop.on_device()) - before else quiet).append(seconds)
    return {"step": median(quiet), "with": median(busy), "longest": max(busy)}


def same_answers(model: Any, slots: int, seed: int) -> tuple[int, int]:
    """How many answers of a full rolling batch equal those of `generate` on the job alone, and of how many.

    Every other job is about several images.
    """
    one, more = (draw_jobs(slots, geometric, seed, images=images) for images in (1, SEVERAL))
    jobs = [job for both in zip(one, more, strict=True) for job in both]
    loop = new_loop(model, slots)
    asked = {loop.request(job.tensors, job.output_tokens): job for job in jobs}
    for request in asked:
        loop.submit(request)
    said: dict[Asked, list[int]] = {}
    while not loop.is_idle:
        said |= {asked[outcome.request]: list(outcome.tokens) for outcome in loop.turn()}
    checked = jobs[:slots]
    model.model.language_model.set_attn_implementation("sdpa")
    return sum(said[job] == answer_batch(model, [job])[0].tolist() for job in checked), len(checked)


def _with(loop: RollingLoop, jobs: Sequence[Asked]) -> RollingLoop:
    for job in jobs:
        loop.submit(loop.request(job.tensors, job.output_tokens))
    return loop


def timed(call: Callable[[], Any]) -> float:
    """The seconds that a call takes."""
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


@contextmanager
def _forward_timer(model: Any) -> Iterator[list[float]]:
    """Collects the seconds of each forward of decoder and head."""
    inside: list[float] = []
    began_s = 0.0

    def begin(*_: Any) -> None:
        nonlocal began_s
        began_s = time.perf_counter()

    def end(*_: Any) -> None:
        inside.append(time.perf_counter() - began_s)

    parts = (model.model.language_model, model.lm_head)
    hooks = [part.register_forward_pre_hook(begin) for part in parts]
    hooks += [part.register_forward_hook(end) for part in parts]
    try:
        yield inside
    finally:
        for hook in hooks:
            hook.remove()
