"""Images at addresses that lines of a file name, fetched while nobody waits: a line's are one request's.

line ──► its images are fetched, and those of some lines behind it ──► all came? ──► it becomes a job
            └ a place is free? their owner has no more places here than for chats
"""

from collections.abc import Sequence

from flask_openapi3 import FileStorage

from jobs.contract.errors import Overloaded
from web.intake.fetching import Fetching
from web.intake.forms import Address
from web.services import Services


class StillFetching(Exception):
    """Raised for a line whose images are being fetched, or wait for a place."""


class Fetches:
    """What is fetched for lines of one file, by their numbers.

    Whenever all of a line has come the filler is told to look.
    """

    def __init__(self, serving: Services, owner: str | None) -> None:
        self._serving, self._owner = serving, owner
        #: None for a line that names no address.
        self._lines: dict[int, Fetching | None] = {}

    def knows(self, line: int) -> bool:
        """True for a line that was looked at."""
        return line in self._lines

    def check_over(self, line: int) -> None:
        """Raises StillFetching when something is being fetched for a line."""
        fetching = self._lines.get(line)
        # What is given up because the server stops is fetched by whoever goes on.
        if fetching and (not fetching.is_over or self._serving.stopping.is_set()):
            raise StillFetching

    def begin(self, line: int, addresses: Sequence[Address]) -> bool:
        """Begin with a line's images; False where there is no place for them."""
        if addresses and not self._serving.fetcher.turns.has_place(self._owner):
            return False
        try:
            over = self._serving.ordered.set
            self._lines[line] = Fetching(self._serving, self._owner, addresses, over) if addresses else None
        except Overloaded:
            return False
        return True

    def came(self, line: int, addresses: Sequence[Address]) -> list[FileStorage]:
        """What came of a line's addresses.

        Raises StillFetching; BadInput (`fetch_is_off`); TooLarge when all together are too large; and NoRoom.
        """
        self._serving.fetcher.check_is_on()
        if not self._lines.get(line):
            self.begin(line, addresses)
            raise StillFetching
        self.check_over(line)
        fetching = self._lines[line]
        return fetching.files() if fetching else []

    def end_before(self, line: int) -> None:
        """Let what came for the lines before this one vanish."""
        for number in [number for number in self._lines if number < line]:
            self._end(number)

    def close(self) -> None:
        """Let all of it vanish, and fetch no more."""
        for number in [*self._lines]:
            self._end(number)

    def _end(self, line: int) -> None:
        if fetching := self._lines.pop(line):
            fetching.close()
