"""The audit trail in the blob store: objects that are written once, and never changed nor deleted by us.

    audit/<day>/<hour>/<id>.begun.json   what somebody is about to do, before it is done
    audit/<day>/<hour>/<id>.json         what came of it; alone, where that is known at once

Ids sort by time, so a reader goes from hour to hour and reads no more than it gives.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePosixPath

import redis

from jobs.contract import names
from jobs.contract.access.audit import Event, Outcome, Target
from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, Unavailable
from jobs.contract.models import made_at
from jobs.contract.refusals import unavailable
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import earliest_id
from jobs.storage.unreadable import readable

logger = logging.getLogger(__name__)

#: A place in the trail: the id of an event, or how ids of a time begin.
CURSOR_PATTERN = r"^[0-9a-f]{12,32}$"
#: Hours of which one page lists the names at most.
_MOST_HOURS = 100
_HOUR = "%Y-%m-%d/%H"
#: Sorts behind all ids.
_END = "g"


@dataclass
class Noted:
    """An event that is under way; whoever does the work may say what it is done to, and that it failed."""

    target: Target | None
    has_failed: bool = False
    #: Why it has, where no error says that.
    code: Code | None = None


class AuditTrail:
    """Writes events and reads them; every method raises Unavailable when the blob store is away."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    # Writing

    def note(self, event: Event) -> None:
        """Keep what is over."""
        self._write(names.audit_path, event)

    @contextmanager
    def doing(self, event: Event) -> Iterator[Noted]:
        """Keep an event before its work is done in the block, and afterwards what came of it.

        Raises Unavailable, and nothing is done, when the former cannot be kept; the latter is said in the log
        then, since the work is done.
        """
        self._write(names.audit_begun_path, event)
        noted = Noted(event.target)
        try:
            yield noted
        except Exception as error:
            noted.has_failed = True
            self._end(event, noted, _code_of(error))
            raise
        self._end(event, noted, noted.code)

    def say(self, event: Event, error: Exception) -> None:
        """Say in the log what the trail lacks."""
        logger.error("The audit trail lacks %s: %s", event.model_dump_json(exclude_none=True), error)

    def _end(self, event: Event, noted: Noted, code: Code | None) -> None:
        outcome = Outcome.FAILED if noted.has_failed else Outcome.DONE
        ended = event.model_copy(update={"outcome": outcome, "target": noted.target, "code": code})
        try:
            self._write(names.audit_path, ended)
        except Unavailable as error:
            self.say(ended, error)

    def _write(self, place: Callable[[str, str], str], event: Event) -> None:
        path = place(f"{made_at(event.id):{_HOUR}}", event.id)
        self._blobs.create(path, event.model_dump_json(exclude_none=True).encode())

    # Reading

    def page(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Event], str | None]:
        """Up to `limit` events from `since` on and before `until`, the newest first; and a cursor.

        `cursor` is that of the page before, and matches CURSOR_PATTERN. The new one is None at the end;
        before it a page may be short, or empty, because the names of `_MOST_HOURS` are listed at most.
        """
        last = min(cursor or _END, earliest_id(until) if until else _END)
        hours = self._hours(since, last, newest_first=True)
        paths: list[str] = []
        for hour in islice(hours, _MOST_HOURS):
            paths += reversed(self._paths(hour, since, last))
            if len(paths) > limit:
                return self._read(paths[:limit]), _id_of(paths[limit - 1])
        further = next(hours, None)
        return self._read(paths), further and _end_of(further)

    def events(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Event]:
        """All events from `since` on and before `until`, the oldest first, an hour's names in memory."""
        last = earliest_id(until) if until else _END
        for hour in self._hours(since, last):
            yield from self._parsed(self._paths(hour, since, last))

    def _hours(self, since: datetime | None, last: str, *, newest_first: bool = False) -> Iterator[str]:
        """The folders of the hours that have events, in order, from `since` on and not behind `last`."""
        first = f"{since.astimezone(UTC):{_HOUR}}" if since else ""
        latest = _hour_of(last)
        for day in sorted(self._blobs.list_folders(names.AUDIT_FOLDER), reverse=newest_first):
            if first[:10] <= PurePosixPath(day).name <= latest[:10]:
                for folder in sorted(self._blobs.list_folders(day), reverse=newest_first):
                    if first <= folder.removeprefix(f"{names.AUDIT_FOLDER}/") <= latest:
                        yield folder

    def _paths(self, hour: str, since: datetime | None, last: str) -> Sequence[str]:
        """The path of each event of an hour in order, where it has ended that of its end."""
        first = earliest_id(since) if since else ""
        paths = {_id_of(path): path for path in sorted(self._blobs.list(hour))}
        return [path for id_, path in paths.items() if first <= id_ < last]

    def _read(self, paths: Sequence[str]) -> list[Event]:
        return list(self._parsed(paths))

    def _parsed(self, paths: Sequence[str]) -> Iterator[Event]:
        for path, data in self._blobs.get_many(paths):
            if event := readable("audit", path, lambda data=data: Event.model_validate_json(data)):  # type: ignore[misc]
                yield event


def _id_of(path: str) -> str:
    return PurePosixPath(path).name.partition(".")[0]


def _hour_of(last: str) -> str:
    """The hour of an id, or of how ids of a time begin; what sorts behind all hours where it says none."""
    at = made_at(f"{last[:12]}7000".ljust(32, "0")) if last != _END else None
    return f"{at:{_HOUR}}" if at else _END


def _end_of(hour: str) -> str:
    """The last id that an hour may have."""
    at = datetime.strptime(f"{hour.removeprefix(f'{names.AUDIT_FOLDER}/')}+0000", f"{_HOUR}%z")
    return f"{int(at.timestamp() * 1000) + 3_600_000 - 1:012x}".ljust(32, "f")


def _code_of(error: Exception) -> Code:
    if isinstance(error, redis.RedisError):
        return unavailable(error).code
    return error.code if isinstance(error, Eva01Error) else Code.INTERNAL_ERROR
