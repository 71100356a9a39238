"""Stores that do not answer become an error message of the command."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from eva01.cli.errors import CommandError
from jobs.contract.errors import Unavailable
from jobs.contract.refusals import Refusal, unavailable
from jobs.storage.address import without_password


@contextmanager
def explained(redis_url: str) -> Iterator[None]:
    """Turns an unavailable Redis or blob store into CommandError, which says to run the command again."""
    try:
        yield
    except Unavailable as error:
        raise CommandError(error.code, f"{error.message} Run this again when it does.") from error
    except redis.RedisError as error:
        said = unavailable(error)
        why = said.message if Refusal.of(error) else f"no answer ({error})."
        address = without_password(redis_url)
        raise CommandError(
            said.code, f"REDIS_URL={address}: {why} Run this again when all is well."
        ) from error
