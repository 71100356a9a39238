"""Plain Celery with the handler, one image a task: a process a core, each with a thread of its own.

REDIS_URL names its broker, PEER_MODEL the model's folder.
"""

import os
from functools import cache
from typing import Any

from celery import Celery

app = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.worker_prefetch_multiplier = 1
app.conf.task_acks_late = True


@app.task
def answer(body: dict[str, Any]) -> int:
    """Answer one request; how many tokens were said."""
    (said,) = _handler().answer([body])
    return int(said["usage"]["completion_tokens"])


@cache
def _handler() -> Any:
    from scripts.benching.peers.handler import Handler

    return Handler(os.environ["PEER_MODEL"], threads=1)
