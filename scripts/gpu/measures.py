"""How fast it is, a function a part; each is given its seconds and keeps within about that."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from scripts.gpu.parts import Found
from scripts.gpu.subject import Subject, record
from worker.engines.about import bytes_of
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.past.grouping import Group, Groups
from worker.engines.rolling.past.past import Past
from worker.engines.rolling.past.tables import Tables
from worker.engines.rolling.pool import Pool
from worker.engines.rolling.rows import Outcome, Request
from worker.engines.rolling.setup import bytes_per_token

#: Rows that are tried, and those of a miniature.
_ROWS, _FEW_ROWS = (8, 16, 32, 64, 128, 256), (2, 4)
_STEP_ROWS, _FEW_STEP_ROWS = (1, 8, 32, 128), (1, 3)
#: Steps before they are timed: those that are recorded are trusted by then.
_WARM_UP = 12
_MOST_STEPS = 60
#: Rows, and steps, of which each kernel is noted.
_IDLE_ROWS, _PROFILED_STEPS = 32, 30
#: Requests of a backlog for each row, and besides.
_A_ROW, _BESIDES = 3, 16
_NO_GPU = "only on a GPU"


def seconds_of(call: Callable[[], object]) -> float:
    """The seconds that a call takes, with all that it has the device do."""
    began_s = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began_s


def loaded(subject: Subject, load_s: float) -> Found:
    """What is there once the model is."""
    weights, token = bytes_of(subject.model), bytes_per_token(subject.model)
    highest = torch.cuda.max_memory_allocated() / 1e9 if subject.is_on_gpu else _NO_GPU
    return {
        "making or loading the weights on the device (s)": load_s,
        "memory at its highest meanwhile (GB)": highest,
        "memory of the weights (GB)": weights / 1e9,
        "a token in the cache (kB)": token / 1e3,
        "tokens that may be in the cache": subject.loop(1).budget.tokens,
    }


def bandwidth(subject: Subject) -> float:
    """Bytes a second that the device's memory gives: a copy reads all of them and writes as many."""
    size = 2 << 30 if subject.is_on_gpu else 64 << 20
    one = torch.ones(size, dtype=torch.uint8, device=subject.model.device)
    other = torch.empty_like(one)
    return 2 * size / median(seconds_of(lambda: other.copy_(one)) for _ in range(7))


def steps(subject: Subject, seconds: float) -> Found:
    """A step of so many rows, plain and recorded, beside what reading the weights takes."""
    a_second = bandwidth(subject)
    limit_ms = 1e3 * bytes_of(subject.model) / a_second
    found = {"bandwidth of a copy (GB/s)": a_second / 1e9, "reading the weights at that (ms)": limit_ms}
    counts = _FEW_STEP_ROWS if subject.is_miniature else _STEP_ROWS
    for rows in counts:
        loop = subject.filled(rows, records=False)
        for kind, recorder in (("plain", None), ("recorded", subject.recorder())):
            record(loop, recorder)
            step_ms = 1e3 * _step_s(loop, seconds / (2 * len(counts)))
            found |= {f"a {kind} step, {rows} rows (ms)": step_ms}
            found |= {f"a {kind} step, {rows} rows ÷ reading the weights": step_ms / limit_ms}
    return found


def _step_s(loop: RollingLoop, seconds: float) -> float:
    took_s: list[float] = []
    ends_s = time.perf_counter() + seconds
    for _ in range(_WARM_UP):
        loop.turn()
    while not took_s or (len(took_s) < _MOST_STEPS and time.perf_counter() < ends_s):
        took_s.append(seconds_of(loop.turn))
    return median(took_s)


def rates(subject: Subject, seconds: float) -> Found:
    """Images and tokens a second of a backlog, by how many rows there are."""
    found: dict[str, float | str] = {}
    counts = _FEW_ROWS if subject.is_miniature else _ROWS
    for rows in counts:
        if subject.is_on_gpu:
            torch.cuda.reset_peak_memory_stats()
        loop = subject.loop(rows)
        for request in subject.requests(loop, _A_ROW * rows + _BESIDES, rows):
            loop.submit(request)
        images, tokens, took_s, _ = _until(loop, seconds / len(counts))
        found[f"images/s, {rows} rows"] = images / took_s
        found[f"tokens/s, {rows} rows"] = tokens / took_s
        if subject.is_on_gpu:
            found[f"memory at its highest, {rows} rows (GB)"] = torch.cuda.max_memory_allocated() / 1e9
    return found


def _until(loop: RollingLoop, seconds: float) -> tuple[int, int, float, float]:
    """Work for that time or to the end; gives answers, their tokens, the seconds, and the longest turn."""
    began_s, images, tokens, longest_s = time.perf_counter(), 0, 0, 0.0
    while not loop.is_idle and (not images or time.perf_counter() - began_s < seconds):
        ended: list[Outcome] = []
        longest_s = max(longest_s, seconds_of(lambda: ended.extend(loop.turn())))  # noqa: B023 - called at once
        images += len(ended)
        tokens += sum(len(outcome.tokens) for outcome in ended)
    return images, tokens, time.perf_counter() - began_s, longest_s


def attending(subject: Subject, _: float) -> Found:
    """What it costs in all layers of a step to attend to the blocks of so many rows, either way."""
    found: dict[str, float | str] = {}
    for rows in _FEW_STEP_ROWS if subject.is_miniature else _STEP_ROWS:
        loop = subject.filled(rows, records=False)
        pool, spans = loop._flight.pool, [row.last for row in loop._flight.writing]
        tokens = median(span.end for span in spans)
        what = f"{rows} rows of {tokens:.0f} tokens in all layers (ms)"
        gathered = Groups.of(pool, spans)
        found[f"gathering {what}"] = _ms_of(partial(_gather, pool, gathered.parts))
        heads = subject.model.config.get_text_config().num_attention_heads
        query = torch.randn(
            heads, rows, *pool.keys[0].shape[3:], device=pool.device, dtype=pool.keys[0].dtype
        )
        found[f"attending, gathered, {what}"] = _ms_of(partial(_attend, query, pool, gathered))
        there = Tables.of(pool, spans)
        found[f"attending, where blocks are, {what}"] = (
            _ms_of(partial(_attend, query, pool, there)) if pool.in_place else "no flash-attention 3 is here"
        )
    return found


def _ms_of(call: Callable[[], object]) -> float:
    """Milliseconds of the second call: the first has the device make ready."""
    call()
    return 1e3 * seconds_of(call)


def _gather(pool: Pool, parts: Sequence[Group]) -> None:
    for layer in range(len(pool.keys)):
        for part in parts:
            pool.read(layer, part.blocks, part.rows.stop - part.rows.start, part.masks.of(None).shape[-1])


@torch.inference_mode()
def _attend(query: torch.Tensor, pool: Pool, past: Past) -> None:
    for layer in range(len(pool.keys)):
        past.attend(query, pool, layer, None, None)


def prefill(subject: Subject, seconds: float) -> Found:
    """What it is worth to take in more of new images and prompts between two steps."""
    found: dict[str, float | str] = {}
    rows, counts = (2, (64, 128)) if subject.is_miniature else (32, (1024, 2048, 4096, 8192))
    for tokens in counts:
        loop = subject.loop(rows)
        loop.prefill_tokens = tokens
        for request in subject.requests(loop, _A_ROW * rows, rows):
            loop.submit(request)
        images, _, took_s, longest_s = _until(loop, seconds / len(counts))
        found[f"images/s, {rows} rows, EVA01_PREFILL_TOKENS={tokens}"] = images / took_s
        found[f"the longest turn of these, EVA01_PREFILL_TOKENS={tokens} (ms)"] = 1e3 * longest_s
    return found


def first_token(subject: Subject, seconds: float) -> Found:
    """How long a single question waits for its first token, alone and beside others that write."""
    beside, found = 2 if subject.is_miniature else 32, {}
    for rows in (0, beside):
        waited_s: list[float] = []
        ends_s = time.perf_counter() + seconds / 2
        loop = subject.filled(rows) if rows else subject.loop(1)
        loop._most_rows = rows + 1
        while not waited_s or (len(waited_s) < 10 and time.perf_counter() < ends_s):
            (request,) = subject.requests(loop, 1, len(waited_s), lambda _: 1)
            request.is_interactive = True
            waited_s.append(seconds_of(partial(_answer, loop, request)))
        found[f"to the first token beside {rows} rows (ms)"] = 1e3 * median(waited_s)
    return found


def _answer(loop: RollingLoop, request: Request) -> None:
    loop.submit(request)
    while all(outcome.request is not request for outcome in loop.turn()):
        pass


def idle(subject: Subject, seconds: float) -> Found:
    """The share of a step's time in which the device has nothing to do, since Python has not said what."""
    if not subject.is_on_gpu:
        return {"device idle within steps (%)": _NO_GPU}
    found: dict[str, float | str] = {}
    loop = subject.filled(_IDLE_ROWS, records=False)
    for kind, recorder in (("plain", None), ("recorded", subject.recorder())):
        record(loop, recorder)
        for _ in range(_WARM_UP):
            loop.turn()
        turns_s: list[float] = []
        ends_s = time.perf_counter() + seconds / 4
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            while not turns_s or (len(turns_s) < _PROFILED_STEPS and time.perf_counter() < ends_s):
                turns_s.append(seconds_of(loop.turn))
        kernels = [event for event in seen.events() if str(event.device_type).endswith("CUDA")]
        busy_s = sum(event.device_time_total for event in kernels) / 1e6
        found[f"device idle within {kind} steps, {_IDLE_ROWS} rows (%)"] = 100 * (1 - busy_s / sum(turns_s))
        found[f"kernels of a {kind} step"] = len(kernels) / len(turns_s)
    return found
