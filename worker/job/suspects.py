"""Which suspects a worker has begun: those of one crash together, or a single one that was in more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.engines.company import Company


class Suspects:
    """Lets a suspect begin when no other has begun that it may not be with; safe to use from many threads.

    So what a crash counts against is one job, where that has been in two already: also the crash of another
    suspect's image, while this one is only decoded, is none of its own.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun: list[Company] = []

    @contextmanager
    def turn(self, company: Company) -> Iterator[None]:
        """Wait for the turn of a job of `company`, and keep others away as long as it lasts."""
        if company is Company.INNOCENTS:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: all(company.admits(other) for other in self._begun))
            self._begun.append(company)
        try:
            yield
        finally:
            with self._changed:
                self._begun.remove(company)
                self._changed.notify_all()
