"""The wire from workers to web: pieces of answers while they are said; nothing of them stays in Redis.

What is said while nobody listens, or the connection is lost, is gone: the record of the job has all of it.
"""

import logging
from collections.abc import Generator, Sequence
from typing import Any, cast

import redis

from jobs.contract import names
from jobs.contract.saying.pieces import Piece, message_of, pieces_in

logger = logging.getLogger(__name__)

#: Pieces in one message.
_MOST_PIECES = 256


class Wire:
    """Carries pieces to those who listen; both methods raise redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def say(self, listener: str, pieces: Sequence[Piece]) -> None:
        """Say pieces to one who listens, or to nobody when it is gone."""
        for start in range(0, len(pieces), _MOST_PIECES):
            message = message_of(pieces[start : start + _MOST_PIECES])
            self._redis.publish(names.said_channel(listener), message)

    def listen(self, listener: str, wait_s: float) -> Generator[list[Piece] | None, None, None]:
        """What is said to `listener`, and none after each `wait_s` without.

        None as soon as it hears, and again when a connection that was lost is there again: what was said
        before was not heard.
        """
        with cast(Any, self._redis).pubsub() as line:
            line.subscribe(names.said_channel(listener))
            while True:
                message = line.get_message(timeout=wait_s)
                yield None if message and message["type"] == "subscribe" else _pieces(message)


def _pieces(message: dict[str, Any] | None) -> list[Piece]:
    if message is None or message["type"] != "message":
        return []
    try:
        return pieces_in(message["data"])
    except ValueError as error:
        # What is missing then comes with the end of the answer.
        logger.warning("A message was passed over: %s", error)
        return []
