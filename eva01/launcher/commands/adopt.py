"""`eva01 adopt`: makes what belongs to nobody an owner's."""

import re

import click
from rich.console import Console

from eva01.cli.errors import CommandError
from eva01.cli.tables import say
from eva01.cli.text import counted
from eva01.launcher.commands.settings import settings_checked
from eva01.launcher.commands.stores import progress, stores_in_use
from jobs.contract.access.audit import Action, Kind, Target, by_command
from jobs.contract.models import OWNER_PATTERN
from jobs.contract.settings import WebSettings
from jobs.storage.stores import Stores
from jobs.upkeep.adopt import Adopted, Adoption


def _checked(_context: click.Context, _parameter: click.Parameter, owner: str) -> str:
    if not re.fullmatch(OWNER_PATTERN, owner):
        raise click.BadParameter(
            f"{owner!r} is no owner's name: up to 100 of A–Z, a–z, 0–9 and . _ @ + -, the first of them a"
            " letter or digit."
        )
    return owner


@click.command()
@click.argument("owner", callback=_checked)
@click.option(
    "--without-key",
    is_flag=True,
    help="Also where no key is of OWNER, who signs in by OpenID Connect, say.",
)
def adopt(owner: str, without_key: bool) -> None:
    """Make OWNER's what belongs to nobody: of version 0.1.0, or made before there were keys.

    That is in the Redis at REDIS_URL, or else of the `eva01 up` that runs in EVA01_DATA, and in the blob
    store (EVA01_BLOBS). It may run beside web and workers, and more than once.
    """
    console = Console()
    event = by_command(Action.ADOPT, Target(kind=Kind.OWNER, id=owner, owner=owner))
    with stores_in_use() as stores:
        if not without_key:
            _check_known(owner, stores)
        with stores.audit.doing(event):
            done, passed_over = _adopt(stores, owner, console)
    say(console, _summary(owner, done))
    if passed_over:
        say(console, f"Passed over {counted(passed_over, 'record')} of the journal that cannot be read.")


def _check_known(owner: str, stores: Stores) -> None:
    """Raises CommandError for an owner whom no key has, since nobody could see then what becomes theirs."""
    with settings_checked():
        web = WebSettings.read()
    known = {name for key in stores.keys.all() for name in (key.owner, *key.teams)}
    if web.admin_key.get_secret_value():
        known.add(web.admin_owner)
    if owner not in known:
        there = f"Keys are of {', '.join(sorted(known))}." if known else "There are no keys yet."
        raise CommandError(
            "unknown_owner",
            f"No key is of {owner}, so nobody could see what became theirs. {there} Make one first:"
            f" eva01 keys add --owner {owner}. For somebody who signs in at your OpenID Connect provider add"
            " --without-key. Nothing was changed.",
        )


def _adopt(stores: Stores, owner: str, console: Console) -> tuple[Adopted, int]:
    """What was taken over, and how many records of the journal could not be read."""
    done = Adopted()
    with progress(console) as shown:
        task = shown.add_task("Taking over", total=None, jobs="")
        for done in Adoption(stores, owner).run():
            shown.update(task, jobs=counted(done.jobs + done.singles, "image"))
    return done, stores.journal.passed_over


def _summary(owner: str, done: Adopted) -> str:
    if done == Adopted():
        return "Nothing belonged to nobody."
    batches = f"{done.batches:,} batch{'' if done.batches == 1 else 'es'}"
    jobs, singles = counted(done.jobs, "image"), counted(done.singles, "single question")
    noted, files = counted(done.noted, "record"), counted(done.files, "request file")
    return f"{owner} has {batches} more, with {jobs}, {singles}, and {files}; {noted} of the journal say so."
