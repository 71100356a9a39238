"""Commands that another distribution brings: the server's `up`, `web`, `worker`, `restore`, `adopt`, `keys`.

They are found by the entry points of the group `eva01.commands`, so the command runs where there is no
server, and starts without loading one.
"""

from importlib.metadata import EntryPoint, entry_points, version

import click

from eva01.cli.errors import CommandError

#: The group of entry points; the server's are in setup.cfg.
GROUP = "eva01.commands"
#: The server's commands: without the server their error says that it is missing, not that they are unknown.
_OF_THE_SERVER = frozenset({"up", "web", "worker", "restore", "adopt", "keys"})


class Commands(click.Group):
    """The commands added to it, and those that are installed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all that can be run here."""
        return sorted({*super().list_commands(ctx), *entry_points(group=GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded if another distribution brings it.

        Raises CommandError for a command of the server where there is none, or one of another version.
        """
        if command := super().get_command(ctx, cmd_name):
            return command
        if found := next(iter(entry_points(group=GROUP, name=cmd_name)), None):
            return _loaded(found)
        if cmd_name in _OF_THE_SERVER:
            message = (
                f"`eva01 {cmd_name}` needs the server, which is not installed here:"
                " get EVA-01's repository, and run scripts/up in it."
            )
            raise CommandError("server_not_installed", message)
        return None


def _loaded(found: EntryPoint) -> click.Command:
    ours = version("eva01")
    if found.dist is not None and found.dist.version != ours:
        message = (
            f"`eva01 {found.name}` comes from {found.dist.name} {found.dist.version},"
            f" which does not go with eva01 {ours}: install both in one version."
        )
        raise CommandError("other_version", message)
    command: click.Command = found.load()
    return command
