"""The measures; each runs once and gives numbers under the names of the table's lines."""

import random
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import Options
from jobs.contract.settings import Limits, WorkerSettings
from scripts.rolling.held import SCHEMA, compare
from scripts.rolling.idle import idle_share, started
from scripts.rolling.load import geometric
from scripts.rolling.measures import timed
from scripts.seven_b import jobs
from worker.engines.rolling.attention import NAME
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.setup import bytes_per_token, create_loop
from worker.engines.seeing.processors import JobInput
from worker.engines.transformers_engine import TransformersEngine
from worker.job.decode.decoder import Decoder

#: Rows that are tried: the default, and twice that.
ROWS = (24, 48)
#: Jobs of a backlog.
_JOBS = 96
#: Longer than any row that is only stepped.
_LONG = 400
_STEPS = 40
Numbers = dict[str, float]


def loaded(engine: TransformersEngine, load_s: float, highest_bytes: int) -> Numbers:
    """What is there once the model is loaded, which took so long and so much memory."""
    model: Any = engine._model
    return {
        "loading the weights onto the device (s)": load_s,
        "memory of the weights (GB)": torch.cuda.memory_allocated() / 1e9,
        "the highest while loading (GB)": highest_bytes / 1e9,
        "a token in the cache (kB)": bytes_per_token(model) / 1e3,
        "tokens that may be in the cache": engine.rolling._loop.budget.tokens if engine.rolling else 0,
    }


def new_loop(engine: TransformersEngine, rows: int, cache_tokens: int | None = None) -> RollingLoop:
    """A loop of its own for the engine's model."""
    settings = WorkerSettings(cache_tokens=cache_tokens) if cache_tokens else WorkerSettings()
    return create_loop(engine._model, engine._conversation.ends, rows, settings, engine._processor.cutter)


def submit(loop: RollingLoop, prepared: Sequence[JobInput]) -> None:
    """Let all of them wait for a row."""
    for one in prepared:
        loop.submit(loop.request(one.tensors, one.max_new_tokens, grammar=one.grammar))


def rolling(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """Images a second with a backlog from the start, and the turns in which newcomers come."""
    loop = new_loop(engine, rows)
    submit(loop, jobs.draw(engine, _JOBS, seed))
    quiet: list[float] = []
    busy: list[float] = []
    began_s, done = time.perf_counter(), 0
    while not loop.is_idle:
        before = set(loop.on_device())
        results: list[Any] = []
        seconds = timed(lambda: results.extend(loop.turn()))  # noqa: B023 - called at once
        done += len(results)
        (busy if set(loop.on_device()) - before else quiet).append(seconds)
    seconds = time.perf_counter() - began_s
    at = f"{rows} rows"
    return {
        f"images/s, rolling, {at}": done / seconds,
        f"a step, {at} at most (ms)": 1e3 * median(quiet),
        f"a step that takes new images in, {at} (ms)": 1e3 * median(busy),
        f"the longest that rows in flight waited, {at} (ms)": 1e3 * max(busy),
        f"memory at its highest, {at} (GB)": torch.cuda.max_memory_allocated() / 1e9,
    }


def static(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """Images a second where each batch is answered to its end before the next is taken."""
    prepared = jobs.draw(engine, 2 * rows, seed)
    language: Any = engine._model.model.language_model
    language.set_attn_implementation("sdpa")
    try:
        began_s = time.perf_counter()
        for first in range(0, len(prepared), rows):
            engine.generate(prepared[first : first + rows])
        return {f"images/s, static, {rows} at once": len(prepared) / (time.perf_counter() - began_s)}
    finally:
        language.set_attn_implementation(NAME)


def filled(engine: TransformersEngine, rows: int, seed: int, wanted: ResponseFormat | None) -> RollingLoop:
    """A loop with that many rows, which will not end soon."""
    loop = new_loop(engine, rows)
    submit(loop, jobs.draw(engine, rows, seed, length=lambda _: _LONG, response_format=wanted))
    while loop.in_flight < rows:
        loop.turn()
    return loop


def held(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """What schemas cost, and saying how sure the model was."""
    found = compare(
        filled(engine, rows, seed, None), filled(engine, rows, seed, ResponseFormat.of_schema(SCHEMA))
    )
    return {
        f"a step, {rows} rows with schemas ÷ without": found["ratio"],
        "the share of it that masks take (%)": 100 * found["masks"],
        "the share that goes into saying how sure (%)": 100 * found["sure"],
    }


def busy(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """The share of a step's time in which a kernel runs; the rest is waiting for Python to start the next."""
    loop = filled(engine, rows, seed, None)
    step_s = [timed(loop.turn) for _ in range(_STEPS)]
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        whole_s = sum(timed(loop.turn) for _ in range(_STEPS))
    kernels = [event for event in seen.events() if str(event.device_type).endswith("CUDA")]
    kernels_s = sum(event.device_time_total for event in kernels) / 1e6
    return {
        f"a step, {rows} rows that are all there (ms)": 1e3 * median(step_s),
        "kernels of a step": len(kernels) / _STEPS,
        "the share of a step in which a kernel runs (%)": 100 * kernels_s / whole_s,
    }


def several(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """Jobs a second where each is about four images."""
    loop = new_loop(engine, rows)
    prepared = jobs.draw(engine, rows, seed, images_each=4)
    submit(loop, prepared)
    began_s = time.perf_counter()
    while not loop.is_idle:
        loop.turn()
    return {f"jobs/s of four images each, {rows} rows": len(prepared) / (time.perf_counter() - began_s)}


def idle(engine: TransformersEngine, rows: int, seed: int) -> Numbers:
    """How long the device waits during a backlog, while slots decode and scale photos."""
    assert engine.rolling is not None
    decoder, rng = Decoder(Limits(), enough_pixels=engine.enough_pixels), random.Random(seed)
    photo, name = jobs.PHOTO.read_bytes(), f"seven-b-{seed}"
    with started(engine.rolling, name) as roller:

        def answer(number: int) -> object:
            seen = engine.see(decoder.decode(photo).image)
            options = Options(max_new_tokens=geometric(rng))
            return roller.submit(engine.prepare([seen], f"Question {number}", options), str(number)).result()

        return {"device idle while a backlog exists (%)": 100 * idle_share(name, rows, answer)}
