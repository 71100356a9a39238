"""Walking a folder: every file once, linked folders too, past whatever cannot be read or is no file.

A linked folder comes after all that lies in the folder itself, so that what is reached both ways has its own
name. A link that leads to where we are, or above, is a circle and is left out.
"""

import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eva01.client.kinds import AGAIN, BROKEN_LINK, HIDDEN, Kind, kind_of_mode

#: A folder's device and number: the same by whatever path it is reached.
_Identity = tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """Something that lies in a folder."""

    path: Path
    #: Bytes of a file; 0 for anything else.
    size_bytes: int = 0
    #: Why it is none to send, whatever its name; None for a file.
    kind: Kind | None = None
    #: Why it cannot be read; empty: it can, as far as is known.
    trouble: str = ""


class Walk:
    """Walks folders; what one walk has been in, a later one of the same `Walk` leaves out."""

    def __init__(self) -> None:
        self._been: set[_Identity] = set()

    def files(self, folder: Path) -> Iterator[Seen]:
        """All that lies in `folder` and below it, sorted by name within each folder."""
        links: deque[Path] = deque([folder])
        above = _above(folder)
        while links:
            start = links.popleft()
            if start != folder and _identity(start) in above:
                yield Seen(start, kind=AGAIN)
            else:
                yield from self._below(start, links)

    def _below(self, start: Path, links: deque[Path]) -> Iterator[Seen]:
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            identity = _identity(folder)
            if identity in self._been:
                yield Seen(folder, kind=AGAIN)
                continue
            if identity is not None:
                self._been.add(identity)
            folders: list[Path] = []
            yield from self._entries(folder, folders, links)
            waiting.extend(reversed(folders))

    def _entries(self, folder: Path, folders: list[Path], links: deque[Path]) -> Iterator[Seen]:
        """The files of one folder; its folders and the links to others are noted."""
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            yield Seen(folder, trouble=_reason(error))
            return
        for path in paths:
            if path.name.startswith("."):
                yield Seen(path, kind=HIDDEN)
                continue
            seen = look(path)
            if seen is not None:
                yield seen
            elif _is_link(path):
                links.append(path)
            else:
                folders.append(path)


def look(path: Path) -> Seen | None:
    """What is there; None for a folder."""
    try:
        found = path.stat()
    except OSError as error:
        if _is_link(path) and not isinstance(error, PermissionError):
            return Seen(path, kind=BROKEN_LINK)
        return Seen(path, trouble=_reason(error))
    if stat.S_ISDIR(found.st_mode):
        return None
    if stat.S_ISREG(found.st_mode):
        return Seen(path, found.st_size)
    return Seen(path, kind=kind_of_mode(found.st_mode))


def _is_link(path: Path) -> bool:
    """True for a link; False also for what may not be looked at."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _identity(folder: Path) -> _Identity | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _above(folder: Path) -> set[_Identity]:
    """The folders that `folder` lies in."""
    identities = (_identity(above) for above in folder.resolve().parents)
    return {identity for identity in identities if identity}


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
