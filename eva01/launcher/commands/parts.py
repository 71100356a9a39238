"""`eva01 web` and `eva01 worker`: one part alone, for other hosts and for containers.

They replace their own process by the part's (exec), so it gets the signals, and its exit code is theirs.
"""

import os
import sys
from importlib.util import find_spec

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


def _become(part: str, *arguments: str, needs: str) -> None:
    if find_spec(needs) is None:
        raise CommandError(
            "not_installed", f"{part} is not installed here: pip install 'eva01-server[{part}]'"
        )
    with settings_checked():
        redis_url = redis_server.in_use(Settings.read())
    command = module_command(part, *arguments)
    os.execve(sys.executable, command, {**os.environ, **module_env(), "REDIS_URL": redis_url})  # noqa: S606 (one of our own parts)
