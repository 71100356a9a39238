"""`eva01 web` and `eva01 worker`: one part alone, for other hosts and for containers; and `eva01 check`.

They replace their own process by the part's (exec), so it gets the signals, and its exit code is theirs.
"""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NoReturn

import click

from eva01.cli.errors import CommandError
from eva01.launcher import redis_server
from eva01.launcher.commands.settings import settings_checked
from eva01.launcher.plan import module_command, module_env
from jobs.contract.settings import Settings


@click.command()
def web() -> None:
    """Serve the page and the API (EVA01_HOST, EVA01_PORT), with the Redis at REDIS_URL or of `eva01 up`."""
    _become("web", needs="flask")


@click.command()
@click.option("--model", "-m", required=True, help="A model's name, hub address or folder.")
def worker(model: str) -> None:
    """Answer the jobs of one model, from the Redis at REDIS_URL or of `eva01 up`."""
    _become("worker", "--model", model, needs="PIL")


@click.command()
@click.argument("model")
def check(model: str) -> None:
    """Load a model, say in a few lines how it would be served, and end.

    MODEL is a model's name, an address on the hub, or a folder. Exits with 0 when it can be served, and
    with 2 and the reason when not. No Redis is needed.
    """
    _run("worker", "--check", "--model", model, needs="PIL")


def _become(part: str, *arguments: str, needs: str) -> None:
    with settings_checked():
        redis_url = redis_server.in_use(Settings.read())
    _run(part, *arguments, needs=needs, env={"REDIS_URL": redis_url})


def _run(part: str, *arguments: str, needs: str, env: Mapping[str, str] = {}) -> NoReturn:
    if find_spec(needs) is None:
        raise CommandError(
            "not_installed", f"{part} is not installed here: pip install 'eva01-server[{part}]'"
        )
    command = module_command(part, *arguments)
    os.execve(sys.executable, command, {**os.environ, **module_env(), **env})  # noqa: S606 (one of our own parts)
