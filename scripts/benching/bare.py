"""The engine alone, with no queue, web or slots around it: `python -m scripts.benching.bare MODEL`.

In a process of its own, as a worker has one, with the same settings.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.contract.catalog import card_for
from jobs.contract.models import Options
from jobs.contract.settings import Limits, WorkerSettings
from scripts.benching.house import STUB
from scripts.benching.loops import Alone, Loop, loop
from scripts.benching.tasks import Task
from tests.processes import python
from tests.stubs.engine import StubEngine
from tests.stubs.rolling import StubRolling
from worker.engines import create_engine
from worker.engines.base import Answer, Engine
from worker.engines.company import Company
from worker.job.decode.decoder import Decoder
from worker.ops.cores import core_count, share_cores


def bare(model: str, env: Mapping[str, str]) -> AbstractContextManager[Loop]:
    """The process with this model, with a worker's settings."""
    return loop(python("scripts.benching.bare", model), env)


def main() -> None:
    """Answer line after line."""
    (model,) = sys.argv[1:]
    share_cores()
    settings = WorkerSettings.read()
    engine = _stub() if model == STUB else create_engine(card_for(model, settings.model_name), settings)
    engine.load()
    decoder = Decoder(Limits.read(), engine.enough_pixels)
    print("{}", flush=True)
    for line in sys.stdin:
        tasks = [Task(**task) for task in json.loads(line)]
        print(json.dumps(asdict(_answer(engine, decoder, tasks, settings.rows))), flush=True)


def _stub() -> StubEngine:
    """Without a model, for a miniature."""
    return StubEngine(rolling=StubRolling(turns=1))


def _answer(engine: Engine[Any, Any], decoder: Decoder, tasks: Sequence[Task], rows: int) -> Alone:
    """Prepare what is needed next in a thread a core, and turn until all have ended."""
    rolling = engine.rolling
    assert rolling, "only models with a rolling batch are measured"
    began_s, left, waiting, tokens = time.perf_counter(), deque(tasks), 0, 0
    ahead: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(core_count()) as pool:
        while left or ahead or waiting:
            while left and len(ahead) < rows:
                ahead.append(pool.submit(_prepare, engine, decoder, left.popleft()))
            while ahead and waiting < rows and (ahead[0].done() or not waiting):
                prepared = ahead.popleft().result()
                rolling.submit(rolling.request(prepared, company=Company.INNOCENTS, is_interactive=False))
                waiting += 1
            for ended in rolling.turn():
                assert isinstance(ended.outcome, Answer), ended.outcome
                tokens += ended.outcome.usage.output_tokens
                waiting -= 1
    return Alone(time.perf_counter() - began_s, tokens)


def _prepare(engine: Engine[Any, Any], decoder: Decoder, task: Task) -> Any:
    image = decoder.decode(Path(task.file).read_bytes()).image
    return engine.prepare([engine.see(image)], task.question, Options(max_new_tokens=task.tokens))


if __name__ == "__main__":
    main()
