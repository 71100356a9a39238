"""Options that several commands share."""

import json
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from eva01.cli.errors import CommandError
from eva01.cli.submission import is_jsonl
from eva01.client.address import Address, is_address
from eva01.client.client import DEFAULT_SERVER, Client, server_of_environment
from eva01.client.files import valid_text
from eva01.client.key import key_of_file

#: Makes the client of a command's server.
Connect = Callable[[], Client]
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Input(click.Path):
    """A folder, a file or an image's address; raises CommandError for an empty name, the folder we are in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or the address."""
        if not value:
            raise CommandError("no_input", "An input has no name. Write `.` for the folder you are in.")
        if isinstance(value, str) and is_address(value):
            return Address(valid_text(value))
        return super().convert(value, param, ctx)


def server_options(command: _Command) -> _Command:
    """`--server`, `--key` and `--key-file`: the command gets `connect`, which makes the client."""

    @click.option(
        "--server",
        default=server_of_environment,
        metavar="URL",
        help=f"Where EVA-01 is; also EVA01_SERVER.  [default: {DEFAULT_SERVER}]",
    )
    @click.option(
        "--key",
        metavar="KEY",
        help="Your key, where one is needed. Others on this machine can read it here: better EVA01_KEY.",
    )
    @click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        help="A file with your key; also EVA01_KEY_FILE.",
    )
    @wraps(command)
    def with_connect(server: str, key: str | None, key_file: Path | None, **others: Any) -> Any:
        if key and key_file:
            raise click.UsageError("--key and --key-file both bring a key; give one of them.")
        chosen = key_of_file(key_file) if key_file else key
        return command(connect=partial(Client, server, key=chosen or None), **others)

    return cast(_Command, with_connect)


def max_new_tokens_option(command: _Command) -> _Command:
    """`--max-new-tokens NUMBER`: the longest answer."""
    return click.option(
        "--max-new-tokens",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        help="The longest answer, in tokens; what is longer is cut short.  [default: the worker's]",
    )(command)


def json_option(command: _Command) -> _Command:
    """`--json`: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")(command)


def lines_option(command: _Command) -> _Command:
    """`--lines`: where text stands."""
    words = "Say in the .jsonl file where each line of text stands."
    return click.option("--lines", is_flag=True, help=words)(command)


def check_lines(out: Path | None, *, lines: bool) -> None:
    """Raises UsageError when lines are asked for and there is no file to write them into."""
    if lines and not (out and is_jsonl(out)):
        raise click.UsageError("--lines says where lines stand in a .jsonl file; name one with --out.")


def print_json(value: object) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))
