"""How long the device is idle during a backlog, while slots prepare photos on the same cores."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from jobs.contract.catalog import NANO, place_of
from jobs.contract.models import Usage
from jobs.contract.settings import Limits
from scripts.rolling.load import Asked, ask_about, geometric
from scripts.rolling.serving import new_loop
from worker.device.roller import Roller
from worker.engines.base import Answer
from worker.engines.rolling.answers import RollingAnswers
from worker.engines.rolling.rows import Request
from worker.engines.seeing.processors import GridProcessor, JobInput
from worker.engines.weights.source import Source
from worker.job.decode.decoder import Decoder
from worker.ops.metrics import ModelMetrics

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "examples" / "photos" / "street-sign.jpg"
#: Jobs for each row.
_JOBS_A_ROW = 8
_NO_LIMIT_S = 1e6


def idle(model: Any, rows: int, seed: int) -> dict[str, float]:
    """The share of time (0 to 1) in which the device was idle, while jobs waited for a slot.

    Each slot decodes and scales a photo for each job.
    """
    name = f"idle-{rows}-{seed}"
    rolling = RollingAnswers(new_loop(model, rows), lambda _: Answer("words", Usage()), lambda *_: None)
    with started(rolling, name) as roller:
        return {"share": idle_share(name, rows, _Slot(roller, random.Random(seed)).answer)}


@contextmanager
def started(rolling: RollingAnswers, name: str) -> Iterator[Roller[JobInput, Request]]:
    """A thread that works through what comes, counted under a name."""
    roller = Roller(
        rolling, ModelMetrics(name), lambda: None, timeout_s=_NO_LIMIT_S, unwanted=lambda job_ids: ()
    )
    roller.start()
    try:
        yield roller
    finally:
        roller.give_back()


def idle_share(name: str, rows: int, answer: Callable[[int], object]) -> float:
    """The share of time without work while `answer` is called, in a third more slots than rows."""
    with ThreadPoolExecutor(rows * 4 // 3) as slots:
        answers = [slots.submit(answer, number) for number in range(_JOBS_A_ROW * rows)]
        answers[0].result()
        before_s, busy_s = time.perf_counter(), _busy_s(name)
        answers[-rows - rows // 3].result()
        return 1 - (_busy_s(name) - busy_s) / (time.perf_counter() - before_s)


def _busy_s(model: str) -> float:
    labels = {"model": model, "activity": "busy"}
    return REGISTRY.get_sample_value("eva01_device_seconds_total", labels) or 0.0


class _Slot:
    """A slot that prepares a photo and waits for its answer."""

    def __init__(self, roller: Roller[JobInput, Request], rng: random.Random) -> None:
        self._roller, self._rng = roller, rng
        self._decoder = Decoder(Limits(), enough_pixels=1_000_000)
        self._processor = GridProcessor(Source(place_of(NANO.source)), 1_000_000)
        self._photo = PHOTO.read_bytes()

    def answer(self, number: int) -> Answer:
        """Decode, scale, and ask."""
        seen = self._processor.see(self._decoder.decode(self._photo).image).tensors
        asked = Asked(ask_about(self._rng, seen), geometric(self._rng))
        places = int((asked.tensors["mm_token_type_ids"] == 1).sum())
        prepared = JobInput(places, asked.output_tokens, asked.tensors)
        return self._roller.submit(prepared, str(number)).result()
