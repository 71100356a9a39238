"""`eva01 restore`: rebuilds what Redis has lost from the blob store."""

from datetime import datetime

import click
from rich.console import Console

from eva01.cli.tables import say
from eva01.cli.text import counted
from eva01.launcher.commands.stores import progress, stores_in_use
from eva01.launcher.commands.times import Moment
from jobs.storage.stores import Stores
from jobs.upkeep.restore import Restore, Restored


@click.command()
@click.option(
    "--since",
    type=Moment(),
    help="Only what was accepted since then; of UTC, unless it has an offset such as +01:00.",
)
def restore(since: datetime | None) -> None:
    """Bring back into the Redis at REDIS_URL what it has lost and the blob store (EVA01_BLOBS) knows.

    Without REDIS_URL that is the Redis of the `eva01 up` that runs in EVA01_DATA.

    Finished images get their answers again, all others wait for a worker again. It may run beside web and
    workers, and more than once.
    """
    console = Console()
    with stores_in_use() as stores:
        done, passed_over = _restore(stores, since, console)
    say(console, _summary(done))
    if passed_over:
        say(console, f"Passed over {counted(passed_over, 'record')} of the journal that cannot be read.")


def _restore(stores: Stores, since: datetime | None, console: Console) -> tuple[Restored, int]:
    """What was restored, and how many records of the journal could not be read."""
    done = Restored()
    with progress(console) as shown:
        task = shown.add_task("Restoring", total=None, jobs="")
        for done in Restore(stores.store, stores.journal).run(since):
            shown.update(task, jobs=counted(done.jobs + done.present, "image"))
    return done, stores.journal.passed_over


def _summary(done: Restored) -> str:
    if not done.batches and not done.jobs:
        return f"Nothing was missing; Redis has {counted(done.present, 'image')} of the journal."
    batches = f"{done.batches:,} batch{'' if done.batches == 1 else 'es'}"
    finished, queued = counted(done.finished, "finished image"), counted(done.queued, "image")
    return f"Restored {batches}: {finished} as before, {queued} to be answered; {done.present:,} were there."
