"""A bad setting becomes an error message of the command."""

from collections.abc import Iterator
from contextlib import contextmanager

from eva01.cli.errors import CommandError
from jobs.contract.settings import BadSetting


@contextmanager
def settings_checked() -> Iterator[None]:
    """Turns BadSetting into CommandError: eva01.cli, which prints it, knows nothing of the server."""
    try:
        yield
    except BadSetting as error:
        raise CommandError("bad_setting", str(error)) from error
