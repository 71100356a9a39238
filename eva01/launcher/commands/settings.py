"""Settings of a command: a bad one becomes its error message, and one says what its log looks like."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from eva01.cli.errors import CommandError
from jobs import log
from jobs.contract.settings import BadSetting, Settings


@contextmanager
def settings_checked() -> Iterator[None]:
    """Turns BadSetting into CommandError: eva01.cli, which prints it, knows nothing of the server."""
    try:
        yield
    except BadSetting as error:
        raise CommandError("bad_setting", str(error)) from error


def set_up_log(settings: Settings) -> None:
    """Have the log look as the settings say; a program that runs the command keeps what it has set up."""
    if not logging.getLogger().handlers:
        log.set_up(settings.log)
