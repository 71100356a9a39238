"""`eva01 keys`: API keys, made and ended in the stores of this machine.

A key is shown once, alone on stdout; all that is said about it goes to stderr.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import click
import redis
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from eva01.cli.commands.options import json_option, print_json
from eva01.cli.errors import CommandError
from eva01.cli.tables import are_short, in_words, lines, say, table
from eva01.cli.text import harmless, moment
from eva01.launcher import redis_server
from eva01.launcher.commands.settings import set_up_log, settings_checked
from eva01.launcher.commands.stores import explained
from eva01.launcher.commands.times import Moment
from eva01.launcher.lock import is_held
from jobs import flow
from jobs.contract.access.audit import MOST_CHARS, Action, Kind, Target, by_command
from jobs.contract.access.owners import Key, NewKey, Role, new_key, prefix_of
from jobs.contract.errors import Eva01Error
from jobs.contract.faults import fault_of
from jobs.contract.models import utc_now
from jobs.contract.refusals import Refusal
from jobs.contract.settings import Settings, WebSettings
from jobs.flow.expose import has_login
from jobs.storage.access.keys import Keys
from jobs.storage.files.rights import keep_private
from jobs.storage.stores import Stores

#: Options that are not called as the fields that they fill.
_OPTIONS = {"teams": "--team", "expires_at": "--until"}


@click.group()
def keys() -> None:
    """Keys for those who may use this server; see docs/keys.md."""


@keys.command()
def make() -> None:
    """Print a key for EVA01_ADMIN_KEY; nothing is kept of it."""
    click.echo(new_key("admin").text)


def _end_options(command: Callable[..., Any]) -> Callable[..., Any]:
    days = click.option(
        "--days", type=click.IntRange(1, 36_500), help="How long it is valid.  [default: until revoked]"
    )
    until = click.option(
        "--until",
        type=Moment(is_end=True),
        help="When it ends: at a time, or with a day; of UTC, unless it has an offset such as +01:00.",
    )
    return days(until(command))


@keys.command()
@click.option("--owner", required=True, help="Whose things it opens: a person, or a team.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.USER.value,
    show_default=True,
    help="What it may do with them.",
)
@click.option("--team", "teams", multiple=True, help="A further owner whose things it opens; any number.")
@_end_options
@click.option("--note", default="", help="What it is for.")
@click.option("--requests-per-s", type=float, help="Requests a second, at most.")
@click.option("--open-jobs", type=int, help="Images without an answer at a time, at most.")
@click.option("--images-per-day", type=int, help="Images a day (UTC), at most.")
@click.option("--device-s-per-day", type=float, help="Seconds of the device a day (UTC), at most.")
def add(
    owner: str,
    role: str,
    teams: tuple[str, ...],
    days: int | None,
    until: datetime | None,
    note: str,
    **quotas: float | None,
) -> None:
    """Make a key, and print it: the only time that it is shown.

    It is valid at once. The first key has to be an admin's; from then on every call needs one.
    """
    new = _new(owner, role=role, teams=teams, note=note, quotas=quotas, expires_at=_end(days, until))
    with settings_checked():
        place = _Place()
        is_first = not place.run(place.stores.keys.any_kept)
        place.do(
            Action.KEY_ADD,
            new.key.prefix,
            lambda: flow.add_key(place.stores, new.key, has_admin=has_login(WebSettings.read())),
        )
    _show(new)
    if is_first:
        _tell(
            f"It is the first in {place.stores.blobs.shown_url}: from now on every call needs a key"
            " there, also on this machine. What was made there before belongs to nobody;"
            f" `eva01 adopt {owner}` makes it {owner}'s."
        )
    if not place.may_be_used:
        _tell(f"No server runs with {place.stores.blobs.shown_url} now.")
    if not place.is_told and place.may_be_used:
        _tell("Redis does not answer: a server that runs hears of it within a minute, or when it is used.")


@keys.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All keys that were ever made, the oldest first; not their texts, which nobody has."""
    with settings_checked():
        place = _Place()
        found = place.run(place.stores.keys.all)
    now = utc_now()
    if as_json:
        print_json([key.public(now) for key in found])
    else:
        Console().print(_table(found, now))


@keys.command()
@click.argument("prefix")
def revoke(prefix: str) -> None:
    """End a key at once; PREFIX is its first 14 characters, as `list` shows them."""
    with settings_checked():
        _check_is_none(prefix)
        place = _Place()
        key = place.do(Action.KEY_REVOKE, prefix, lambda: flow.revoke_key(place.stores, prefix))
        if not place.is_told and place.may_be_used:
            raise CommandError(
                "redis_unavailable",
                f"{key.prefix} is ended in the blob store, but Redis does not answer: a server that runs"
                " may take it for up to a minute. Run this again when Redis answers.",
            )
    _tell(f"{key.prefix} of {key.owner} is ended.")


@keys.command()
@click.argument("prefix")
@click.option(
    "--grace", type=click.FloatRange(0, 24 * 36_500), default=0, help="Hours for which the old one lives on."
)
@_end_options
def rotate(prefix: str, grace: float, days: int | None, until: datetime | None) -> None:
    """Make a key like that of PREFIX (its first 14 characters), print it, and end the old one.

    The new one ends when the old one would have, unless --days or --until say otherwise.
    """
    with settings_checked():
        _check_is_none(prefix)
        place = _Place()
        if not place.is_told and place.may_be_used:
            raise CommandError(
                "redis_unavailable",
                "Redis does not answer, so a server that runs would go on taking the old key."
                " Nothing is changed. Run this again when Redis answers.",
            )
        new = place.do(
            Action.KEY_ROTATE,
            prefix,
            lambda: flow.rotate_key(
                place.stores,
                prefix,
                grace=timedelta(hours=grace),
                expires_at=_end(days, until),
            ),
        )
    _show(new)
    _tell(f"{prefix} {f'stays valid for {grace:g} h' if grace else 'is ended'}.")


class _Place:
    """The stores of this machine; where no Redis answers, the blob store alone."""

    def __init__(self) -> None:
        settings = Settings.read()
        set_up_log(settings)
        if said := keep_private(settings):
            _tell(said)
        self._redis_url = redis_server.in_use(settings)
        self.stores = Stores.connect(settings.model_copy(update={"redis_url": self._redis_url}))
        #: True unless the stores are those of an `eva01 up` that is not running.
        self.may_be_used = (
            settings.is_given("redis_url") or bool(settings.blobs) or is_held(settings.data.resolve())
        )
        #: True when a server that runs hears of what is done.
        self.is_told = self._answers()
        if not self.is_told:
            self.stores = replace(self.stores, keys=Keys(None, self.stores.blobs))

    def do(self, action: Action, prefix: str, verb: Callable[[], Any]) -> Any:
        """The same of what is written into the audit trail, as done to the key that begins so."""

        def audited() -> Any:
            event = by_command(action, Target(kind=Kind.KEY, id=prefix[:MOST_CHARS]))
            with self.stores.audit.doing(event) as noted:
                done = verb()
                if isinstance(done, Key):
                    noted.target = Target(kind=Kind.KEY, id=prefix, owner=done.owner)
                if isinstance(done, NewKey):
                    noted.target = Target(
                        kind=Kind.KEY, id=f"{prefix} → {done.key.prefix}", owner=done.key.owner
                    )
                return done

        return self.run(audited)

    def run(self, verb: Callable[[], Any]) -> Any:
        """What `verb` gives; raises CommandError for what goes wrong."""
        try:
            with explained(self._redis_url):
                return verb()
        except Eva01Error as error:
            raise CommandError(error.code, error.message) from error

    def _answers(self) -> bool:
        with explained(self._redis_url):
            try:
                self.stores.keys.any_known()
            except redis.RedisError as error:
                # Where nothing of ours runs, it may be anybody's Redis.
                if self.may_be_used and Refusal.of(error):
                    raise
                return False
        return True


def _new(owner: str, **fields: Any) -> NewKey:
    try:
        return new_key(owner, **fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = [part for part in first["loc"] if isinstance(part, str)][-1]
        option = _OPTIONS.get(field, f"--{field.replace('_', '-')}")
        raise click.UsageError(f"{option} {first['input']}: {fault_of(first)}.") from error


def _check_is_none(prefix: str) -> None:
    """Raises CommandError for a whole key, which is not to be shown again."""
    if prefix_of(prefix) != prefix:
        raise CommandError("key_not_found", "Name a key by its first 14 letters, as `eva01 keys list` does.")


def _end(days: int | None, until: datetime | None) -> datetime | None:
    if days and until:
        raise click.UsageError("--days and --until both say when it ends; give one of them.")
    end = utc_now() + timedelta(days=days) if days else until
    if end and end <= utc_now():
        raise click.UsageError(f"--until: {moment(end)} is over already.")
    return end


def _show(new: NewKey) -> None:
    click.echo(new.text)
    key = new.key
    teams = f", with {', '.join(key.teams)}" if key.teams else ""
    _tell(f"{key.prefix} of {key.owner}{teams} ({key.role}), {_until(key)}. It is not shown again.")


def _until(key: Key) -> str:
    return f"valid until {moment(key.expires_at)}" if key.expires_at else "valid until it is revoked"


def _table(found: list[Key], now: datetime) -> Table:
    whole = ["key", "owner, role"] if are_short(key.owner for key in found) else ["key"]
    shown = table("key", "owner, role", "valid", "teams, quotas, note", whole=whole)
    for key in found:
        teams = f"teams {', '.join(key.teams)}" if key.teams else ""
        more = (teams, in_words(key.quotas.model_dump()), harmless(key.note))
        shown.add_row(key.prefix, lines((key.owner, key.role)), _how_long(key, now), lines(more))
    return shown


def _how_long(key: Key, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {moment(key.revoked_at)}"
    if not key.expires_at:
        return "until revoked"
    return f"{'ended' if key.is_over(now) else 'until'} {moment(key.expires_at)}"


def _tell(line: str) -> None:
    say(Console(file=sys.stderr), line)
