"""Plain Celery with the handler, one image a task: a process a core, each with a thread of its own.

REDIS_URL names its broker, PEER_MODEL the model's folder.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from scripts.benching.peers.handler import Handler

app = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.worker_prefetch_multiplier = 1
app.conf.task_acks_late = True
#: Seconds that a process may take to load the model.
app.conf.worker_proc_alive_timeout = 300
_handlers: list[Handler] = []


@worker_process_init.connect
def load(**_: Any) -> None:
    """Load the model in each process, before its first task."""
    _handlers.append(Handler(os.environ["PEER_MODEL"], threads=1))


@app.task
def answer(body: dict[str, Any]) -> int:
    """Answer one request; how many tokens were said."""
    (said,) = _handlers[0].answer([body])
    return int(said["usage"]["completion_tokens"])
