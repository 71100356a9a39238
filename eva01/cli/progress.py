"""How far a batch is: a bar on a terminal, a line now and then elsewhere, or nothing for programs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from eva01.cli.tables import say
from eva01.cli.text import counted, duration, unit_of
from eva01.client.models import Batch

#: Seconds between two lines where there is no terminal.
_CALM_S = 10.0


class Watcher(Protocol):
    """Shows how far a batch is, in whatever form."""

    def sent(self, count: int, total: int, *, is_last: bool = False) -> None:
        """Called when `count` of `total` files have been sent, and `is_last` when no other is."""

    def answered(self, batch: Batch) -> None:
        """Called with the batch and its current counts."""


class Silence:
    """Shows nothing, for programs that read stdout."""

    def sent(self, count: int, total: int, *, is_last: bool = False) -> None:
        """Nothing."""

    def answered(self, batch: Batch) -> None:
        """Nothing."""


class Lines:
    """A line every ten seconds, and one at the end of each step."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._next_at = clock() + _CALM_S

    def sent(self, count: int, total: int, *, is_last: bool = False) -> None:
        """Say how much has been sent."""
        self._say(f"Sent {count:,} of {counted(total, 'file')}.", is_last=is_last)

    def answered(self, batch: Batch) -> None:
        """Say how much has been answered."""
        line = f"{batch.finished:,} of {counted(batch.total, unit_of(batch))} done{_speed(batch)}."
        self._say(line, is_last=batch.is_done)

    def _say(self, line: str, *, is_last: bool) -> None:
        now = self._clock()
        if is_last or now >= self._next_at:
            say(self._console, line)
            self._next_at = now + _CALM_S


class Bars:
    """A bar for what is sent, then one for what is answered, with count, rate and time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._sent: TaskID | None = None
        self._answered: TaskID | None = None

    def sent(self, count: int, total: int, *, is_last: bool = False) -> None:
        """Move the first bar."""
        if self._sent is None:
            self._sent = self._progress.add_task("Sending", total=total, note="")
        self._progress.update(self._sent, completed=count, total=total)

    def answered(self, batch: Batch) -> None:
        """Move the second bar."""
        if self._answered is None:
            self._answered = self._progress.add_task("Answering", total=batch.total, note="")
        self._progress.update(
            self._answered, completed=batch.finished, total=batch.total, note=_speed(batch).lstrip(", ")
        )


@contextmanager
def shown(console: Console) -> Iterator[Watcher]:
    """The watcher for this console: bars on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as progress:
        yield Bars(progress)


def _speed(batch: Batch) -> str:
    parts = []
    if batch.failed:
        parts.append(f"{batch.failed:,} failed")
    if batch.rate_per_s and not batch.is_done:
        parts.append(f"{batch.rate_per_s:.2g}/s")
    if batch.time_left_s is not None:
        parts.append(f"{duration(batch.time_left_s)} left")
    return "".join(f", {part}" for part in parts)
