"""What a slot gets for its job: an answer or an error."""

from jobs.contract.errors import EngineFailure
from worker.device.reply import Reply


def outcome(reply: Reply) -> str:
    """An answer's text, or an error's code or class."""
    error = error_of(reply)
    if error is None:
        return reply.result(0).text
    return error.code if isinstance(error, EngineFailure) else type(error).__name__


def error_of(reply: Reply) -> Exception | None:
    """Why there is no answer; None when there is one."""
    try:
        reply.result(10)
    except TimeoutError:
        raise
    except Exception as error:
        return error
    return None


def is_waiting(reply: Reply) -> bool:
    """True while the job has not ended."""
    try:
        reply.result(0)
    except TimeoutError:
        return True
    except Exception:
        return False
    return False
