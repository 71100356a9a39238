"""`eva01 models`: what can be asked."""

import click
from rich.console import Console

from eva01.cli.commands.options import Connect, json_option, print_json, server_options
from eva01.cli.tables import show_models


@click.command()
@server_options
@json_option
def models(connect: Connect, as_json: bool) -> None:
    """The models that can be asked, and what each can do."""
    with connect() as client:
        served = client.models()
    if as_json:
        print_json([model.to_json() for model in served])
    else:
        show_models(Console(), served)
