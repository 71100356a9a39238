"""Finding the images that a user means: folders are walked, files and zips are taken as they are named."""

import os
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from eva01.client.errors import ClientError

#: Endings that are taken from a folder; a file named on its own is sent whatever its ending.
IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
#: An undecodable byte of a file name, as Python holds it.
_STRAY_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class InputFile:
    """A file to send, and the name it has in its batch."""

    path: Path
    #: A relative path with forward slashes; valid Unicode.
    name: str
    size_bytes: int

    @property
    def is_zip(self) -> bool:
        """True for an archive, whose entries become the jobs."""
        return self.path.suffix.lower() == ".zip"


@dataclass(frozen=True)
class Found:
    """What there is to send, and what was passed over because it is no image."""

    files: tuple[InputFile, ...]
    skipped: tuple[str, ...]


def find(inputs: Sequence[Path]) -> Found:
    """The images in these folders and files, sorted by path within each.

    Names are relative to the folder; with several inputs a folder's own name comes first. Hidden files
    are left out. Raises ClientError when an input does not exist or there is nothing to send.
    """
    files: dict[Path, InputFile] = {}
    skipped: list[str] = []
    for given in inputs:
        for path, name in _walk(given, is_only=len(inputs) == 1):
            if path != given and path.suffix.lower() not in IMAGE_ENDINGS:
                skipped.append(name)
            else:
                files.setdefault(path.absolute(), InputFile(path, name, _size_bytes(path)))
    if not files:
        where = ", ".join(valid_text(str(given)) for given in inputs)
        endings = ", ".join(sorted(ending[1:] for ending in IMAGE_ENDINGS))
        raise ClientError("no_images", f"There are no images in {where}: looked for {endings}.")
    return Found(tuple(told_apart(list(files.values()))), tuple(skipped))


def valid_text(name: str) -> str:
    """A file name as valid Unicode: bytes that are not UTF-8 become `%XX`, so different names stay so."""
    return _STRAY_BYTE.sub(lambda match: f"%{ord(match.group()) - 0xDC00:02X}", name)


def _walk(given: Path, *, is_only: bool) -> Iterator[tuple[Path, str]]:
    if given.is_file():
        yield given, valid_text(given.name)
        return
    if not given.is_dir():
        message = f"{valid_text(str(given))}: there is no such file or folder."
        raise ClientError("file_not_found", message)
    base = given if is_only else given.absolute().parent
    for folder, folders, names in os.walk(given, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                root = path if is_only else path.absolute()
                yield path, valid_text(root.relative_to(base).as_posix())


def _refuse(error: OSError) -> None:
    message = f"{valid_text(str(error.filename))} cannot be read: {error.strerror}."
    raise ClientError("folder_unreadable", message) from error


def _size_bytes(path: Path) -> int:
    return path.stat().st_size


def told_apart(files: Sequence[InputFile]) -> Iterator[InputFile]:
    """Give files that would share a name their whole path instead, and a number where that is taken as well.

    Who sends the same files again gives them the same names: so they are known.
    """
    times = Counter(file.name for file in files)
    taken = {name for name, count in times.items() if count == 1}
    for file in files:
        if times[file.name] > 1:
            name = _free_name(valid_text(file.path.absolute().as_posix()).lstrip("/"), taken)
            taken.add(name)
            yield replace(file, name=name)
        else:
            yield file


def _free_name(name: str, taken: Container[str]) -> str:
    path, free, number = PurePosixPath(name), name, 1
    while free in taken:
        number += 1
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return free
