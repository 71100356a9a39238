"""Keeps programs running, in one terminal: starts them, starts them again when they die, stops them in order.

honcho ends all when one ends, supervisord is a daemon with a file of its own, and circus brings a message
bus; this is the part of them that is needed, in a form that can say in one line what happens.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from eva01.cli.errors import CommandError
from eva01.cli.text import duration
from eva01.launcher.child import Backoff, Child, Program

#: A program ends with this code when starting it again would change nothing: a bad setting, no such model.
HOPELESS_EXIT = 2
#: How often a program that was never ready may die before we give up.
_PATIENCE_DEATHS = 5
#: Seconds between two checks of the processes.
_LOOK_S = 0.1
#: Seconds that a stop may take before a line says what it waits for.
_QUIET_STOP_S = 5.0

Say = Callable[[str], None]
Question = Callable[[], bool]
OnReady = Callable[[Program, float], None]
OnWait = Callable[[Sequence[Program], float], None]


class StartFailed(CommandError):
    """Raised when a program will not become ready; names its log and its last line."""

    def __init__(self, message: str) -> None:
        super().__init__("start_failed", message)


class Supervisor:
    """The programs, in the order in which they were started; they are stopped in the reverse order.

    `say` prints a line. All methods must be called from the main thread.
    """

    def __init__(self, say: Say, backoff: Callable[[], Backoff] = Backoff) -> None:
        self._say = say
        self._new_backoff = backoff
        #: Each group is stopped as one, after the groups that were started later.
        self._groups: list[list[_Kept]] = []

    def start(self, programs: Iterable[Program]) -> None:
        """Start programs that do not need each other."""
        group: list[_Kept] = []
        self._groups.append(group)
        for program in programs:
            child = Child(program)
            child.start()
            group.append(_Kept(child, self._new_backoff()))

    def wait_until_ready(self, interrupted: Question, on_ready: OnReady, on_wait: OnWait) -> None:
        """Keep all running until each has been ready once, or until interrupted.

        `on_ready` is called once for each with the seconds it took, `on_wait` again and again with those
        that are not ready and the seconds since. Raises StartFailed.
        """
        began_at = time.monotonic()
        while not interrupted():
            self.look()
            for kept in self._not_ready():
                if kept.child.is_running and kept.child.program.is_ready():
                    kept.was_ready = True
                    on_ready(kept.child.program, time.monotonic() - kept.first_started_at)
            waiting = [kept.child.program for kept in self._not_ready()]
            if not waiting:
                return
            on_wait(waiting, time.monotonic() - began_at)
            time.sleep(_LOOK_S)

    def look(self) -> None:
        """Start again what has died, when its pause is over.

        Raises StartFailed for a program that has never been ready and will not be.
        """
        for kept in self._all():
            if kept.is_given_up or kept.child.is_running:
                continue
            if kept.restart_at is None:
                self._note_death(kept)
            elif time.monotonic() >= kept.restart_at:
                kept.restart_at = None
                kept.child.start()

    def watch(self, is_over: Question) -> None:
        """Keep all running until it is over."""
        while not is_over():
            self.look()
            time.sleep(_LOOK_S)

    @property
    def has_given_up(self) -> bool:
        """True when a program has ended for good."""
        return any(kept.is_given_up for kept in self._all())

    def stop(self, is_hurried: Question) -> None:
        """End all: SIGTERM, latest group first, SIGKILL for what takes too long or when hurried."""
        for group in reversed(self._groups):
            self._stop_group([kept.child for kept in group], is_hurried)

    def _note_death(self, kept: "_Kept") -> None:
        child, name = kept.child, kept.child.program.name
        # Its own children must not hold its port when it is started again.
        child.kill_group()
        words = child.exit_summary()
        pause_s = kept.backoff.after_death(time.monotonic() - child.started_at)
        is_hopeless = child.exit_code == HOPELESS_EXIT
        if not kept.was_ready and (is_hopeless or kept.backoff.deaths >= _PATIENCE_DEATHS):
            raise StartFailed(f"{name} does not start ({words}). Its log: {child.program.log}")
        if is_hopeless:
            kept.is_given_up = True
            self._say(f"{name} ended and is not started again ({words}). Its log: {child.program.log}")
            return
        kept.restart_at = time.monotonic() + pause_s
        self._say(f"{name} ended ({words}); starting it again in {pause_s:g} s.")

    def _stop_group(self, children: Sequence[Child], is_hurried: Question) -> None:
        began_at = time.monotonic()
        has_said = False
        for child in children:
            child.terminate()
        while running := [child for child in children if child.is_running]:
            spent_s = time.monotonic() - began_at
            if is_hurried():
                break
            if all(spent_s > child.program.stop_s for child in running):
                break
            if not has_said and spent_s > _QUIET_STOP_S:
                has_said = True
                self._say(_waiting_line(running))
            time.sleep(_LOOK_S)
        for child in children:
            child.kill_group()

    def _not_ready(self) -> list["_Kept"]:
        return [kept for kept in self._all() if not kept.was_ready]

    def _all(self) -> list["_Kept"]:
        return [kept for group in self._groups for kept in group]


class _Kept:
    """A child with its restart state."""

    def __init__(self, child: Child, backoff: Backoff) -> None:
        self.child = child
        self.backoff = backoff
        self.first_started_at = child.started_at
        self.was_ready = False
        self.is_given_up = False
        self.restart_at: float | None = None


def _waiting_line(running: Sequence[Child]) -> str:
    names = ", ".join(child.program.name for child in running)
    longest_s = max(child.program.stop_s for child in running)
    return f"Waiting for {names}, {duration(longest_s)} at most. Ctrl-C again ends it now."
