"""Logging: one line for what happened to a job or a batch, and nothing twice."""

import logging

import redis
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

from jobs import log

_LOGGED_ELSEWHERE = (redis.ConnectionError, redis.TimeoutError, OperationalError, OSError, Reject)


def set_up_logging(form: str) -> None:
    """Log to stderr, a line each; `form`: see `jobs.log.set_up`."""
    log.set_up(form)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
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
