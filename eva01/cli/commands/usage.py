"""`eva01 usage`: what was taken, by day and owner."""

from datetime import datetime

import click
from rich.console import Console

from eva01.cli.commands.options import Connect, json_option, print_json, server_options
from eva01.cli.tables import show_usage

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=_DAY, metavar="DAY", help="The first day (UTC).  [default: 30 days]")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="The last day (UTC).  [default: today]")
@click.option("--owner", default=None, help="Only what belongs to this owner.")
@server_options
@json_option
def usage(
    first: datetime | None, last: datetime | None, owner: str | None, connect: Connect, as_json: bool
) -> None:
    """What was taken, by day: yours and your teams'; as an admin, everybody's."""
    days = {"first": first.date() if first else None, "last": last.date() if last else None}
    with connect() as client:
        found = client.usage(**days, owner=owner)
    if as_json:
        print_json(found)
    else:
        show_usage(Console(), found)
