"""Which line of a file of requests a process reads, so that one at which processes die is found.

Redis alone has it, for as long as it may take: where it is lost, the deaths are counted anew.
"""

from typing import cast

import redis

from jobs.contract import names
from jobs.contract.asking.order import Reading
from jobs.storage.unreadable import readable

#: Seconds after which nobody reads the file any more: batches have 24 hours.
_LONGEST_S = 2 * 24 * 3600


class Readings:
    """Keeps them by batch; every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def of(self, batch_id: str) -> Reading:
        """How far the lines of a batch were when this was last noted."""
        key = names.batch_reading_key(batch_id)

        def read() -> Reading:
            text = cast(str | None, self._redis.get(key))
            return Reading.model_validate_json(text) if text else Reading()

        return readable("reading", key, read) or Reading()

    def note(self, batch_id: str, reading: Reading) -> None:
        """Keep how far they are."""
        self._redis.set(names.batch_reading_key(batch_id), reading.model_dump_json(), ex=_LONGEST_S)

    def end(self, batch_id: str) -> None:
        """Forget it: all lines are read, or nobody wants them."""
        self._redis.delete(names.batch_reading_key(batch_id))
