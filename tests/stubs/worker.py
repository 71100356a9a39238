"""A worker's process around the stub engine, ready in a second: `python -m tests.stubs.worker SECONDS`.

SECONDS is how long each image takes; the model is called `stub`. With `rolling` as a second argument it
answers in a rolling batch; with `loading` it loads for longer than any test lasts.
"""

import sys
from collections import deque

from jobs.contract.catalog import EngineName, ModelCard
from tests.stubs.engine import StubEngine
from tests.stubs.rolling import StubRolling
from worker.life import Environment
from worker.main import serve
from worker.ops.logs import set_up_logging

CARD = ModelCard(
    name="stub", engine=EngineName.OCR, source="bundled:stub", description="For tests.", uses_question=True
)

if __name__ == "__main__":
    environment, takes_s = Environment.read(), float(sys.argv[1])
    set_up_logging(environment.shared.log)
    engine = StubEngine(takes_s=takes_s, max_batch=1)
    if "loading" in sys.argv:
        engine.loads_s = 3600
    if "rolling" in sys.argv:
        timeout_s = environment.worker.job_timeout_s
        engine.rolling = StubRolling(turns=1, takes_s=takes_s, timeout_s=timeout_s, steps=deque(maxlen=1))
    # Keep no history: in a soak the process runs for hours.
    engine.batches, engine.seen = deque(maxlen=1), deque(maxlen=1)
    serve(CARD, environment, engine)
