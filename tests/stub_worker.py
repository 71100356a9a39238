"""A worker's process around the stub engine, ready in a second: `python -m tests.stub_worker SECONDS`.

SECONDS is how long each image takes; the model is called `stub`.
"""

import sys
from collections import deque

from jobs.catalog import EngineName, ModelCard
from tests.stub_engine import StubEngine
from worker.life import Environment
from worker.logs import set_up_logging
from worker.main import serve

CARD = ModelCard(
    name="stub", engine=EngineName.OCR, source="bundled:stub", description="For tests.", uses_question=True
)

if __name__ == "__main__":
    set_up_logging()
    engine = StubEngine(takes_s=float(sys.argv[1]), max_batch=1)
    # It runs for hours in a soak; nobody asks it what it was given.
    engine.batches, engine.seen = deque(maxlen=1), deque(maxlen=1)
    serve(CARD, Environment.read(), engine)
