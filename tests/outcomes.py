"""What a slot hears of its job."""

from concurrent.futures import Future

from jobs.contract.errors import EngineFailure
from worker.engines.base import Answer


def outcome(future: "Future[Answer]") -> str:
    """An answer's text, or an error's code or class."""
    error = future.exception(10)
    if error is None:
        return future.result().text
    return error.code if isinstance(error, EngineFailure) else type(error).__name__
