"""A worker whose rows say what time it is: `python -m scripts.streaming.speaker STEP_S STEPS`.

Each says one word a step, and STEPS of them. A step waits as long as a device would work, and holds no lock
meanwhile. The time is the monotonic clock's, in nanoseconds, which all processes of a machine share.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.contract.models import Usage
from tests.stubs.engine import StubEngine
from tests.stubs.rolling import Asked, StubRolling
from tests.stubs.worker import CARD
from worker.engines.base import Answer, Ended, Part
from worker.life import Environment
from worker.main import serve
from worker.ops.logs import set_up_logging

#: More than there are listeners.
_ROWS = 1000


@dataclass
class Speaking(StubRolling):
    """All its rows say a word after each step."""

    _said: dict[Asked, str] = field(default_factory=lambda: defaultdict(str))

    def turn(self) -> Sequence[Ended[Asked]]:
        """Take a step, and say when it ended."""
        self._admit()
        time.sleep(self.takes_s)
        now_ns = time.monotonic_ns()
        for row in list(self._placed):
            self._say(row, f" {now_ns}" if self._said[row] else f"{now_ns}")
            row.turns_left -= 1
            if not row.turns_left:
                self._placed.remove(row)
                self._end(row, Answer(self._said.pop(row), Usage()))
        ended, self._ended = self._ended, []
        return ended

    def _say(self, row: Asked, word: str) -> None:
        start = len(self._said[row])
        self._said[row] += word
        if row.hear:
            row.hear(lambda: [Part(start, word)])


def main() -> None:
    """Serve until told to stop."""
    step_s, steps = sys.argv[1:]
    environment = Environment.read()
    set_up_logging(environment.shared.log)
    engine = StubEngine(default_slots=_ROWS, max_batch=_ROWS)
    engine.rolling = Speaking(_ROWS, int(steps), float(step_s), timeout_s=environment.worker.job_timeout_s)
    serve(CARD, environment, engine)


if __name__ == "__main__":
    main()
