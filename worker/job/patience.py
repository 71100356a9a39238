"""Waiting for Redis in a slot: what a job needs of it is asked for until there is an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import redis

from worker.drain import Drain
from worker.ops.trouble import Trouble

_T = TypeVar("_T")

#: The part of a worker that this is, to its `Trouble`.
_PART = "slots"
#: Seconds between tries to reach Redis; the last is repeated.
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Patience:
    """Asks Redis again and again, as long as the worker may go on."""

    drain: Drain
    trouble: Trouble

    def until_redis_answers(self, call: Callable[[], _T]) -> _T:
        """Call until Redis answers, and does not refuse.

        Raises GivenBack when the worker stops first.
        """
        tries = 0
        while True:
            try:
                done = call()
            except redis.RedisError as error:
                if isinstance(error, redis.ResponseError):
                    # The heartbeat notices when Redis is away, and not every refusal.
                    self.trouble.meet(_PART, error)
                self.drain.pause(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
                tries += 1
            else:
                if tries:
                    self.trouble.get_over(_PART)
                return done
