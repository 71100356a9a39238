"""Logging: one line for what happened to a job or a batch, and nothing twice."""

import logging
import sys

import redis
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

_LOGGED_ELSEWHERE = (redis.ConnectionError, redis.TimeoutError, OperationalError, OSError, Reject)


def set_up_logging() -> None:
    """Log to stderr, a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Celery and kombu log every connection and every message at INFO.
    for name in ("celery", "kombu"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    """False for what is logged elsewhere.

    Celery has a line for every failed try to reach Redis, which the heartbeat logs once, and tracebacks of
    jobs that were given back, which their slots log.
    """
    if not record.name.startswith(("celery", "kombu")):
        return True
    logged = list(record.args) if isinstance(record.args, tuple) else []
    if record.exc_info:
        logged.append(record.exc_info[1])
    return not any(isinstance(thing, _LOGGED_ELSEWHERE) for thing in logged)
