"""`eva01 share`: links with which anybody can read a batch."""

import click
from rich.console import Console

from eva01.cli.commands.options import Connect, json_option, print_json, server_options
from eva01.cli.tables import say, show_shares
from eva01.client.client import Client


@click.command()
@click.argument("batch_id", metavar="BATCH")
@click.option("--days", type=click.IntRange(min=1), metavar="N", help="How long it works.  [default: 7]")
@click.option("--note", metavar="TEXT", help="What it is for; its readers do not see that.")
@click.option("--list", "is_list", is_flag=True, help="List the links to BATCH; none with its address.")
@click.option("--revoke", metavar="ID", help="Revoke the link that is called so in the list.")
@click.option("--revoke-all", is_flag=True, help="Revoke all links to BATCH.")
@server_options
@json_option
def share(
    batch_id: str,
    days: int | None,
    note: str | None,
    is_list: bool,
    revoke: str | None,
    revoke_all: bool,
    connect: Connect,
    as_json: bool,
) -> None:
    """Make a link with which anybody can read BATCH; list or revoke those there are.

    The link is shown this once.
    """
    wants_link = days is not None or note is not None
    if is_list + (revoke is not None) + revoke_all + wants_link > 1:
        raise click.UsageError(
            "One thing at a time: a link (--days, --note), --list, --revoke or --revoke-all."
        )
    with connect() as client:
        if is_list:
            _list(client, batch_id, as_json=as_json)
        elif revoke is not None:
            client.revoke_share(batch_id, revoke)
            _say({"revoked": 1}, "The link is revoked.", as_json=as_json)
        elif revoke_all:
            count = client.revoke_shares(batch_id)
            _say({"revoked": count}, f"Links revoked: {count:,}.", as_json=as_json)
        else:
            url = client.share_batch(batch_id, days=days or 7, note=note or "")
            _say({"url": url}, url, as_json=as_json)


def _list(client: Client, batch_id: str, *, as_json: bool) -> None:
    shares = client.shares(batch_id)
    if as_json:
        print_json([one.to_json() for one in shares])
    else:
        show_shares(Console(), shares)


def _say(fields: dict[str, object], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(fields)
    else:
        say(Console(), words)
