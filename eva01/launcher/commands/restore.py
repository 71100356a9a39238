"""`eva01 restore`: rebuilds what Redis has lost from the blob store."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import redis
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from eva01.cli.errors import CommandError
from eva01.cli.tables import say
from eva01.cli.text import counted
from eva01.launcher import redis_server
from eva01.launcher.commands.settings import settings_checked
from jobs import log
from jobs.contract.errors import Unavailable
from jobs.contract.refusals import Refusal, unavailable
from jobs.contract.settings import Settings
from jobs.storage.address import without_password
from jobs.storage.blobs import BlobStore
from jobs.storage.connection import check_writes, connect
from jobs.storage.journal import Journal
from jobs.storage.store import JobStore
from jobs.upkeep.restore import Restore, Restored

_TIMES = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z")


@click.command()
@click.option(
    "--since",
    type=click.DateTime(_TIMES),
    help="Only what was accepted since then, in local time, or with an offset such as +00:00.",
)
def restore(since: datetime | None) -> None:
    """Bring back into the Redis at REDIS_URL what it has lost and the blob store (EVA01_BLOBS) knows.

    Without REDIS_URL that is the Redis of the `eva01 up` that runs in EVA01_DATA.

    Finished images get their answers again, all others wait for a worker again. It may run beside web and
    workers, and more than once.
    """
    console = Console()
    with settings_checked():
        settings = Settings.read()
        log.set_up(settings.log)
        redis_url = redis_server.in_use(settings)
        with _explained(redis_url):
            done, passed_over = _restore(settings, redis_url, since and since.astimezone(), console)
    say(console, _summary(done))
    if passed_over:
        say(console, f"Passed over {counted(passed_over, 'record')} of the journal that cannot be read.")


def _restore(
    settings: Settings, redis_url: str, since: datetime | None, console: Console
) -> tuple[Restored, int]:
    """What was restored, and how many records of the journal could not be read."""
    client = connect(redis_url, settings.redis_timeout_s)
    check_writes(client)
    store = JobStore(client)
    journal = Journal(BlobStore(settings.blobs_url, settings.blob_patience_s))
    done = Restored()
    with _progress(console) as progress:
        task = progress.add_task("Restoring", total=None, jobs="")
        for done in Restore(store, journal).run(since):
            progress.update(task, jobs=counted(done.jobs + done.present, "image"))
    return done, journal.passed_over


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[jobs]}"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def _explained(redis_url: str) -> Iterator[None]:
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


def _summary(done: Restored) -> str:
    if not done.batches and not done.jobs:
        return f"Nothing was missing; Redis has {counted(done.present, 'image')} of the journal."
    batches = f"{done.batches:,} batch{'' if done.batches == 1 else 'es'}"
    finished, queued = counted(done.finished, "finished image"), counted(done.queued, "image")
    return f"Restored {batches}: {finished} as before, {queued} to be answered; {done.present:,} were there."
