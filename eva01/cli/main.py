"""The command `eva01`.

Exit codes: 0 every image answered (or: done what was asked), 1 some image has no answer, 2 could not run,
130 interrupted.
"""

import os
import sys
import warnings

import click

from eva01.cli.commands.batches import cancel, delete, results, retry, status
from eva01.cli.commands.models import models
from eva01.cli.commands.order import batch
from eva01.cli.commands.share import share
from eva01.cli.commands.submit import submit
from eva01.cli.commands.usage import usage
from eva01.cli.errors import CommandError
from eva01.cli.installed import Commands
from eva01.cli.submission import COULD_NOT_RUN, INTERRUPTED
from eva01.cli.text import harmless
from eva01.client.errors import ClientError


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="eva01", prog_name="eva01")
def eva01() -> None:
    """Ask one question of a whole folder of images, on your own machines."""


for command in (submit, batch, status, results, cancel, retry, share, delete, models, usage):
    eva01.add_command(command)


def main() -> None:
    """Run the command; what goes wrong is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        # A file name need not be valid Unicode, nor a terminal able to show it.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    warnings.showwarning = _show_warning
    try:
        sys.exit(eva01.main(prog_name="eva01", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        # By itself click ends with 1 after a Ctrl-C, which here means that some image has no answer.
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does; Python's flush at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(COULD_NOT_RUN)
    except (ClientError, CommandError, OSError) as error:
        print(f"eva01: {harmless(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(COULD_NOT_RUN)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as one line on stderr."""
    print(f"eva01: {harmless(str(message))}", file=sys.stderr)  # noqa: T201
