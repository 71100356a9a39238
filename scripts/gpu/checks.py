"""What has to hold on a device, whatever its speed, a function a part."""

import random
import time
from collections.abc import Sequence
from typing import Any

import torch
from prometheus_client import REGISTRY

from scripts.gpu.parts import Found
from scripts.gpu.subject import Subject, record
from worker.engines.devices import first_line
from worker.engines.rolling.attention import NAME
from worker.engines.rolling.captured.recording import NotRecorded, Recorder, Run
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Request

#: Tokens of an answer that is compared: enough for recorded steps to be trusted, and for many of them.
_COMPARED_TOKENS = 40
#: Memory that is left while it is made to run out, in bytes: less than all rows together take.
_LEFT = 500_000_000
#: How often one of those that are going is cancelled.
_CANCELLED_A_TURN = 0.02
_NO_GPU = "only on a GPU"


class Compiled:
    """Steps by torch.compile, each size by itself; on a CPU without the compiler of its kernels."""

    def __init__(self, device: torch.device) -> None:
        self._backend = "inductor" if device.type == "cuda" else "eager"

    def record(self, run: Run) -> Run:
        """See Recorder."""
        made: Run = torch.compile(run, backend=self._backend, dynamic=False)
        try:
            said = made()
        except Exception as error:
            raise NotRecorded(f"{type(error).__name__}: {first_line(error)}") from error
        return lambda: said.copy_(made())


def count_of_steps(kind: str) -> float:
    """How many steps of a kind there have been."""
    return REGISTRY.get_sample_value("eva01_steps_total", {"kind": kind}) or 0.0


def identity(subject: Subject, seconds: float) -> Found:
    """How many answers in float32 are those of `generate` alone: by plain, recorded and compiled steps."""
    subject.model.float()
    ends_s, count = time.monotonic() + seconds, 3 if subject.is_miniature else 12
    kinds = (("plain", None), ("recorded", subject.recorder()), ("compiled", Compiled(subject.model.device)))
    alone: list[tuple[int, ...]] = []
    found: dict[str, float | str] = {}
    for kind, recorder in kinds:
        what = f"answers by {kind} steps as of `generate` alone, float32, of {count}"
        if kind == "compiled" and time.monotonic() > ends_s:
            found[what] = "no time was left"
            continue
        before = {of: count_of_steps(of) for of in ("recorded", "differed", "failed")}
        together = _answers(subject, count, recorder)
        alone = alone or _alone(subject, count)
        found[what] = sum(one == other for one, other in zip(together, alone, strict=True))
        if recorder:
            found |= {
                f"of these steps, by {kind} ones: {of}": count_of_steps(of) - was
                for of, was in before.items()
            }
    return found


def _answers(subject: Subject, count: int, recorder: Recorder | None) -> list[tuple[int, ...]]:
    loop = subject.loop(count)
    record(loop, recorder)
    requests = subject.requests(loop, count, 6, lambda _: _COMPARED_TOKENS)
    said = _run(loop, requests)
    return [said[request].tokens for request in requests]


def _run(loop: RollingLoop, requests: Sequence[Request]) -> dict[Request, Any]:
    for request in requests:
        loop.submit(request)
    said: dict[Request, Any] = {}
    while not loop.is_idle:
        said |= {outcome.request: outcome for outcome in loop.turn()}
    return said


@torch.inference_mode()
def _alone(subject: Subject, count: int) -> list[tuple[int, ...]]:
    model, loop, cutter = subject.model, subject.loop(1), subject.processor.cutter
    requests, answers = subject.requests(loop, count, 6, lambda _: _COMPARED_TOKENS), []
    model.get_decoder().set_attn_implementation("sdpa")
    try:
        for request in requests:
            inputs = cutter.cut(request.tensors) if cutter else request.tensors
            tensors = {name: tensor.to(model.device) for name, tensor in inputs.items()}
            out = model.generate(**tensors, max_new_tokens=_COMPARED_TOKENS)
            answers.append(tuple(out[0, request.prompt_tokens :].tolist()))
    finally:
        model.get_decoder().set_attn_implementation(NAME)
    return answers


def out_of_memory(subject: Subject, _: float) -> Found:
    """What becomes of jobs where the device's memory runs out for real, and of those that come after."""
    if not subject.is_on_gpu:
        return {"answered although memory ran out": _NO_GPU}
    count = 24
    loop = subject.loop(count, cache_tokens=10**7)
    torch.cuda.empty_cache()
    free, _whole = torch.cuda.mem_get_info()
    ballast = torch.empty(max(0, free - _LEFT), dtype=torch.uint8, device=subject.model.device)
    said = _run(loop, subject.requests(loop, count, 7))
    del ballast
    torch.cuda.empty_cache()
    after = _run(loop, subject.requests(loop, 2, 8))
    return {
        f"answered although memory ran out, of {count}": sum(bool(one.tokens) for one in said.values()),
        "answered after that, of 2": sum(bool(one.tokens) for one in after.values()),
        "prefill tokens after that (2,048 before)": loop.prefill_tokens,
        "tokens in the cache after that (10 million before)": loop.budget.tokens,
    }


def soak(subject: Subject, seconds: float) -> Found:
    """Jobs that come, are cancelled and end, for that long; whether each ends, and memory stays as it is."""
    rows, rng = 3 if subject.is_miniature else 48, random.Random(9)
    loop, going = subject.loop(rows), set[Request]()
    came = failed = 0
    highest, differed, began_s = [0, 0], count_of_steps("differed"), time.monotonic()
    while (now_s := time.monotonic() - began_s) < seconds or not came or not loop.is_idle:
        if (now_s < seconds or not came) and len(going) < 2 * rows:
            new = subject.requests(loop, rng.randint(1, rows), rng.randrange(10**6))
            came, going = came + len(new), going.union(new)
            for request in new:
                loop.submit(request)
        if going and rng.random() < _CANCELLED_A_TURN:
            loop.cancel(next(iter(going)))
        outcomes = loop.turn()
        going -= {outcome.request for outcome in outcomes}
        failed += sum(outcome.failure is not None for outcome in outcomes)
        if subject.is_on_gpu:
            half = int(now_s > seconds / 2)
            highest[half] = max(highest[half], torch.cuda.memory_allocated())
    return {
        "soak: seconds": now_s,
        "soak: jobs that came": came,
        "soak: jobs that did not end": len(going),
        "soak: jobs that failed": failed,
        "soak: recorded steps that differed": count_of_steps("differed") - differed,
        "soak: memory at its highest, first half, second half (GB)": (
            ", ".join(f"{one / 1e9:.2f}" for one in highest) if subject.is_on_gpu else _NO_GPU
        ),
    }
