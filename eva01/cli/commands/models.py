"""`eva01 models`: what can be asked."""

import click
from rich.console import Console

from eva01.cli.commands.options import json_option, print_json, server_option
from eva01.cli.tables import show_models
from eva01.client.client import Client


@click.command()
@server_option
@json_option
def models(server: str, as_json: bool) -> None:
    """The models that can be asked, and what each can do."""
    with Client(server) as client:
        served = client.models()
    if as_json:
        print_json([model.to_json() for model in served])
    else:
        show_models(Console(), served)
