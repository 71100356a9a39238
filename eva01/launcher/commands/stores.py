"""The stores that a command works on, and how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from eva01.cli.errors import CommandError
from eva01.launcher import redis_server
from eva01.launcher.commands.settings import set_up_log, settings_checked
from jobs.contract.errors import Unavailable
from jobs.contract.refusals import Refusal, unavailable
from jobs.contract.settings import Settings
from jobs.storage.connection.address import without_password
from jobs.storage.connection.client import check_writes, connect
from jobs.storage.stores import Stores


@contextmanager
def stores_in_use() -> Iterator[Stores]:
    """The Redis at REDIS_URL, or else that of the `eva01 up` in EVA01_DATA, and the blob store (EVA01_BLOBS).

    A bad setting, and what keeps either of them from doing its part, becomes a CommandError.
    """
    with settings_checked():
        settings = Settings.read()
        set_up_log(settings)
        settings = settings.model_copy(update={"redis_url": redis_server.in_use(settings)})
        with explained(settings.redis_url):
            # Redis first: without it, what is wrong with the blob store says little.
            with connect(settings.redis_url, settings.redis_timeout_s) as client:
                check_writes(client)
            yield Stores.connect(settings)


def progress(console: Console) -> Progress:
    """What a terminal shows while the command works: `description`, and the field `jobs`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[jobs]}"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


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
