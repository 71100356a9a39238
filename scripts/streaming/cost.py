"""A step of the rolling batch whose rows are all heard, and one whose rows are not."""

import random
import time
from functools import cached_property, partial
from typing import Any

from jobs.contract.models import Job, new_id
from jobs.storage.wire import Wire
from scripts.rolling.load import draw_jobs
from scripts.rolling.measures import timed
from scripts.rolling.serving import new_loop
from worker.engines.rolling.loop import RollingLoop
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.thinking import Thinking
from worker.engines.saying.vocabulary import Vocabulary
from worker.job.telling import Telling

#: Steps of one kind in a row, how often they are taken, and seconds after those that are heard: what the last
#: of them says is told meanwhile, and slows none of the other kind.
_STEPS, _TIMES, _SETTLE_S = 20, 8, 0.05


class _Words(Vocabulary):
    """The model's random words, as text."""

    def __init__(self, width: int) -> None:
        super().__init__(None, (), width)

    @cached_property
    def _texts(self) -> list[bytes]:
        rng = random.Random(0)
        return [b" " + bytes(rng.choices(range(97, 123), k=rng.randint(1, 8))) for _ in range(self._width)]

    def text_of(self, token: int) -> bytes:
        """A word for each number."""
        return self._texts[token]


def cost(model: Any, rows: int, seed: int, wire: Wire) -> dict[str, float]:
    """Seconds of `rows` rows' steps that are heard over those of the same rows that are not."""
    telling = Telling(wire)
    telling.start()
    plain, heard = _filled(model, rows, seed, None), _filled(model, rows, seed, telling)
    plain_s = heard_s = 0.0
    for _ in range(_TIMES):
        plain_s += timed(lambda: _steps(plain, telling))
        heard_s += timed(lambda: _steps(heard, telling))
        time.sleep(_SETTLE_S)
    return {"ratio": heard_s / plain_s, "step": plain_s / _TIMES / _STEPS}


def _steps(loop: RollingLoop, telling: Telling) -> None:
    for _ in range(_STEPS):
        loop.turn()
        telling.turn_over()


def _filled(model: Any, rows: int, seed: int, telling: Telling | None) -> RollingLoop:
    loop, words = new_loop(model, rows), _Words(model.config.get_text_config().vocab_size)
    # A process of web hears all that is said to its clients.
    web = new_id()
    for job in draw_jobs(rows, lambda _: 2 + _TIMES * _STEPS, seed):
        hear = telling and telling.hear(Job(question="?", model="bench", file="a.png", listener=web))
        aloud = partial(Aloud, words, None, hear, Thinking()) if hear else None
        loop.submit(loop.request(job.tensors, job.output_tokens, aloud=aloud))
    while loop.in_flight < rows:
        loop.turn()
    return loop
