"""Calm lines: what happened to a job or a batch, and nothing said twice."""

import logging
import sys

import redis
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

_SAID_ELSEWHERE = (redis.ConnectionError, redis.TimeoutError, OperationalError, OSError, Reject)


def set_up_logging() -> None:
    """Log to stderr, a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Celery and kombu tell of every connection and every message at INFO.
    for name in ("celery", "kombu"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    """False for what Celery says at every try to reach a Redis that is away: the heartbeat says it, once.

    False too for the tracebacks of jobs that were given back: their slots have said so.
    """
    if not record.name.startswith(("celery", "kombu")):
        return True
    said = list(record.args) if isinstance(record.args, tuple) else []
    if record.exc_info:
        said.append(record.exc_info[1])
    return not any(isinstance(thing, _SAID_ELSEWHERE) for thing in said)
