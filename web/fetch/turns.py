"""Who fetches next: owners take turns, and so do the requests of each.

owner ──► request ──► its next address: one turn, in a thread of its own
  │          └ a quarter of the places at most
  └ half of the places at most; a look-up that outlasts its turn keeps the owner's place, and nobody else's

A free place goes to the owner who has the fewest, then to the one whose last turn is longest ago. So whatever
one owner sends and whichever hosts hang, the first fetch of another waits for one turn at most.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TypeVar

from jobs.contract.errors import Overloaded
from jobs.contract.settings import WebSettings
from web.fetch.metrics import TURNS

_log = logging.getLogger(__name__)

#: What part of all places one owner may have at most, and one request.
_OWNERS_PART, _LINES_PART = 2, 4

_Given = TypeVar("_Given")


class Turn:
    """A place to fetch in, for as long as one piece of work takes."""

    def __init__(self, turns: "Turns", owner: "_Owner") -> None:
        self._turns, self._owner = turns, owner

    def apart(self, work: Callable[[], _Given], seconds: float) -> _Given:
        """What `work` gives, which cannot be told to stop; raises TimeoutError when it takes longer.

        Then it goes on by itself, and has a place of its owner until it ends.
        """
        return self._turns._apart(self._owner, work, seconds)


#: One image's fetching; what it raises ends its line.
Work = Callable[[Turn], object]


@dataclass(eq=False)
class _Owner:
    """Whoever has requests, or look-ups that hang."""

    name: str | None
    #: Requests with work that has not begun; the one whose last turn is longest ago comes first.
    lines: "dict[Line, None]" = field(default_factory=dict)
    #: Turns now, and look-ups that have outlasted theirs.
    running: int = 0
    hanging: int = 0
    #: The number of its last turn.
    last: int = 0

    @property
    def busy(self) -> int:
        """Places that it has."""
        return self.running + self.hanging

    @property
    def waiting(self) -> int:
        """Pieces of work that have not begun."""
        return sum(len(line.left) for line in self.lines)


@dataclass(eq=False)
class Line:
    """The work of one request, which is over when all of it is done, or given up."""

    owner: _Owner
    left: deque[Work]
    #: Called when all is done.
    over: Callable[[], object] | None = None
    running: int = 0
    error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """True when nothing of it is done any more."""
        return not self.left and not self.running


class Turns:
    """Gives turns; safe to use from many threads. A process has one."""

    def __init__(self, web: WebSettings) -> None:
        self._places, self._most_hanging = web.fetch_at_a_time, web.fetch_hanging
        self._most_waiting, self._come_again_s = web.fetch_waiting, web.fetch_request_s
        self._owners: dict[str | None, _Owner] = {}
        self._running = self._hanging = self._count = 0
        # Held for moments; nothing is waited for with it but its own news.
        self._changed = threading.Condition()

    def has_place(self, name: str | None) -> bool:
        """True where none of an owner's own work holds up more of it."""
        with self._changed:
            owner = self._owners.get(name)
            return owner is None or owner.busy + owner.waiting < self._most(_OWNERS_PART)

    def join(self, name: str | None, works: Iterable[Work], over: Callable[[], object] | None = None) -> Line:
        """Have all this done for an owner, each when its turn has come; `over` is called when all is.

        Raises Overloaded when the owner has too much that waits; what is all that they have is taken.
        """
        with self._changed:
            owner = self._owners.get(name) or _Owner(name)
            line = Line(owner, deque(works), over)
            self._check_room(owner, len(line.left))
            if line.left:
                self._owners[name] = owner
                owner.lines[line] = None
                TURNS.labels("waiting").inc(len(line.left))
        self._begin()
        return line

    def leave(self, line: Line) -> None:
        """Give up what has not begun of a line."""
        with self._changed:
            self._give_up(line)

    def wait(self, line: Line, seconds: float) -> bool:
        """Wait until a line is over, so long at most; True when it is.

        Raises what has ended the line.
        """
        with self._changed:
            is_over = self._changed.wait_for(lambda: line.is_over, seconds)
        if is_over and line.error:
            raise line.error
        return is_over

    def _check_room(self, owner: _Owner, count: int) -> None:
        waiting = owner.waiting
        if waiting and waiting + count > self._most_waiting:
            raise Overloaded(
                f"{waiting:,} addresses of yours wait to be fetched; with these there would be more than"
                f" {self._most_waiting:,} (EVA01_FETCH_WAITING). Send these when some are done.",
                retry_after_s=max(1, round(self._come_again_s)),
            )

    def _begin(self) -> None:
        """Begin all turns for which there are places."""
        while True:
            with self._changed:
                line = self._next()
                if line is None:
                    return
                work = self._taken(line)
            try:
                threading.Thread(target=self._run, args=(line, work), name="fetch", daemon=True).start()
            except RuntimeError as error:
                _log.warning("Nothing more is fetched for now: %s.", error)
                with self._changed:
                    self._give_back(line)
                    line.error = error
                    self._give_up(line)
                return

    def _next(self) -> Line | None:
        if self._running >= self._places:
            return None
        # Whose look-ups hang wait for these; of nobody else more than one may come to it then.
        most = 1 if self._hanging >= self._most_hanging else self._most(_OWNERS_PART)
        ready = [
            (owner, line)
            for owner in self._owners.values()
            if owner.busy < most and (line := self._ready(owner))
        ]
        return min(ready, key=lambda one: (one[0].busy, one[0].last))[1] if ready else None

    def _ready(self, owner: _Owner) -> Line | None:
        most = self._most(_LINES_PART)
        return next((line for line in owner.lines if line.running < most), None)

    def _most(self, part: int) -> int:
        return max(1, self._places // part)

    def _taken(self, line: Line) -> Work:
        owner = line.owner
        self._count += 1
        self._running += 1
        owner.running += 1
        line.running += 1
        owner.last = self._count
        work = line.left.popleft()
        del owner.lines[line]
        if line.left:
            owner.lines[line] = None
        TURNS.labels("waiting").dec()
        TURNS.labels("running").inc()
        return work

    def _run(self, line: Line, work: Work) -> None:
        error = None
        try:
            work(Turn(self, line.owner))
        except Exception as raised:
            error = raised
        with self._changed:
            self._give_back(line)
            if error:
                line.error = line.error or error
                self._give_up(line)
            is_over = line.is_over
        if is_over and line.over:
            line.over()
        self._begin()

    def _give_back(self, line: Line) -> None:
        self._running -= 1
        line.owner.running -= 1
        line.running -= 1
        TURNS.labels("running").dec()
        self._forget(line.owner)
        self._changed.notify_all()

    def _give_up(self, line: Line) -> None:
        TURNS.labels("waiting").dec(len(line.left))
        line.left.clear()
        line.owner.lines.pop(line, None)
        self._forget(line.owner)
        self._changed.notify_all()

    def _forget(self, owner: _Owner) -> None:
        if not owner.lines and not owner.busy and self._owners.get(owner.name) is owner:
            del self._owners[owner.name]

    def _apart(self, owner: _Owner, work: Callable[[], _Given], seconds: float) -> _Given:
        given: Future[_Given] = Future()
        is_hanging = False

        def do() -> None:
            try:
                given.set_result(work())
            except Exception as error:
                given.set_exception(error)
            with self._changed:
                if is_hanging:
                    self._count_hanging(owner, -1)
                    self._forget(owner)
            if is_hanging:
                self._begin()

        threading.Thread(target=do, name="look-up", daemon=True).start()
        wait([given], seconds)
        with self._changed:
            if not given.done():
                is_hanging = True
                self._count_hanging(owner, 1)
        if is_hanging:
            raise TimeoutError
        return given.result()

    def _count_hanging(self, owner: _Owner, change: int) -> None:
        owner.hanging += change
        self._hanging += change
        TURNS.labels("hanging").inc(change)
