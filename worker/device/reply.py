"""What a slot hears of the job that it handed to the device."""

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from worker.engines.base import Answer


class Reply:
    """The way back from the device's thread to one slot.

    It carries one thing, the end of the job. What a model has written before its end would pass here as well.
    """

    def __init__(self) -> None:
        self._end: Future[Answer] = Future()

    def result(self, timeout_s: float | None = None) -> Answer:
        """Wait for the answer, or raise why there is none; TimeoutError when that takes too long."""
        return self._end.result(timeout_s)

    def end(self, outcome: Answer | Exception) -> None:
        """Tell the slot; does nothing when it was told already, as on giving back."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Answer):
                self._end.set_result(outcome)
            else:
                self._end.set_exception(outcome)
