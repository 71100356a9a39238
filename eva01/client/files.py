"""Finding the images that a user means: folders are walked, files and zips are taken as they are named."""

import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar, Self

from eva01.client.address import Address
from eva01.client.beginnings import is_image
from eva01.client.errors import ClientError, FileUnreadable
from eva01.client.folders import Seen, Walk, look
from eva01.client.given import input_of, listed
from eva01.client.groups import GroupBy, grouped
from eva01.client.kinds import RAW, LeftOut, in_words, kind_of_name

#: Endings that are taken from a folder; what has another one is looked into.
IMAGE_ENDINGS = frozenset(
    {
        *(".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heics", ".heif", ".heifs"),
        *(".hif", ".jfif", ".jif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pdf", ".pjp", ".pjpeg", ".png"),
        *(".tif", ".tiff", ".webp"),
    }
)
#: Unreadable things that are named when nothing can be sent.
_MOST_TROUBLES = 3
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
class Together:
    """Files that are one job, in the order in which they are asked about."""

    #: What the job is called.
    name: str
    files: tuple[InputFile, ...]
    is_zip: ClassVar[bool] = False

    @classmethod
    def of(cls, name: str, paths: Iterable[Path | str]) -> Self:
        """Files that are named one by one; raises ClientError where one is missing.

        Raises TypeError for the address of an image, which is a job by itself.
        """
        given = [input_of(path) for path in listed(paths)]
        if address := next((one for one in given if isinstance(one, Address)), None):
            raise TypeError(f"{address} is an address: only files can be asked about together in a batch.")
        return cls(
            name, tuple(one for path in given for file in find([path]).files for one in files_in(file))
        )

    @property
    def size_bytes(self) -> int:
        """Bytes of all of them."""
        return sum(file.size_bytes for file in self.files)


#: What becomes of one entry of a list of files: a job, or those of a zip.
Sendable = InputFile | Address | Together


@dataclass(frozen=True)
class Found:
    """What there is to send, what cannot be read, and what was left out because it is no image."""

    files: tuple[Sendable, ...]
    unreadable: tuple[FileUnreadable, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def find(given: Iterable[Path | Address | str]) -> Found:
    """The images in these folders and files, sorted by path within each; addresses as they are.

    Names are relative to the folder; with several inputs a folder's own name comes first. What cannot be
    read is noted, and the rest goes on. Raises ClientError when an input does not exist, or nothing is left
    to send.
    """
    inputs = [input_of(one) for one in listed(given)]
    files: dict[Path | Address, InputFile | Address] = {}
    unreadable: list[FileUnreadable] = []
    left_out: list[LeftOut] = []
    walk = Walk()
    for one in inputs:
        if isinstance(one, Address):
            files.setdefault(one, one)
            continue
        for seen, name in _walk(walk, one, is_only=len(inputs) == 1):
            if seen.trouble:
                unreadable.append(FileUnreadable(name, seen.trouble))
            elif seen.kind:
                left_out.append(LeftOut(name, seen.kind))
            elif seen.path != one and not _is_image(seen.path):
                left_out.append(LeftOut(name, kind_of_name(name)))
            else:
                path = seen.path
                files.setdefault(_place(path), InputFile(path, name, seen.size_bytes))
    found = Found(tuple(with_own_names(list(files.values()))), tuple(unreadable), tuple(left_out))
    if not files:
        raise ClientError("no_images", _why_nothing([one for one in inputs if isinstance(one, Path)], found))
    return found


def valid_text(name: str) -> str:
    """A file name as valid Unicode: bytes that are not UTF-8 become `%XX`, so different names stay so."""
    return _STRAY_BYTE.sub(lambda match: f"%{ord(match.group()) - 0xDC00:02X}", name)


def name_of(given: Path | Address) -> str:
    """What a user calls an input: its own name, also where it was written as `.`."""
    if isinstance(given, Address):
        return given.name
    return valid_text(given.name or given.resolve().name)


def _walk(walk: Walk, given: Path, *, is_only: bool) -> Iterator[tuple[Seen, str]]:
    """All that an input stands for, each with its name."""
    # What else may be in the way is said of it by `look`.
    with suppress(OSError):
        _check_exists(given)
    if seen := look(given):
        yield seen, valid_text(given.name)
        return
    base = given if is_only else given.absolute().parent
    for seen in walk.files(given):
        path = seen.path if is_only else seen.path.absolute()
        name = path.relative_to(base).as_posix()
        yield seen, valid_text(str(given) if name == "." else name)


def _is_image(path: Path) -> bool:
    """By its name, or by how it begins; a raw photo is none, though most begin as a TIFF."""
    return path.suffix.lower() in IMAGE_ENDINGS or (kind_of_name(path.name) is not RAW and is_image(path))


def _check_exists(given: Path) -> None:
    try:
        given.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{valid_text(str(given))}: there is no such file or folder."
        raise ClientError("file_not_found", message) from error


def _why_nothing(inputs: Sequence[Path], found: Found) -> str:
    """What was there instead, and what can be done about it."""
    where = ", ".join(valid_text(str(given)) for given in inputs)
    endings = ", ".join(sorted(ending[1:] for ending in IMAGE_ENDINGS))
    there = f"There: {in_words(found.left_out) or 'nothing'}."
    remedies = dict.fromkeys(one.kind.remedy for one in found.left_out if one.kind.remedy)
    troubles = " ".join(error.message for error in found.unreadable[:_MOST_TROUBLES])
    said = [f"Nothing to send in {where}.", troubles, there, *remedies, f"What is sent: {endings}."]
    return " ".join(filter(None, said))


def with_own_names(files: Sequence[Sendable]) -> Iterator[Sendable]:
    """The same, where files that would share a name are told apart; addresses stay as they are."""
    named = told_apart([one for file in files for one in files_in(file)])
    return (_renamed(file, named) for file in files)


def files_in(sendable: Sendable) -> tuple[InputFile, ...]:
    """The files that are read for it."""
    if isinstance(sendable, Address):
        return ()
    return sendable.files if isinstance(sendable, Together) else (sendable,)


def sendable(given: object) -> Sendable:
    """One file to send, or the address of an image.

    Raises ClientError where it is missing, or is a folder, and TypeError for what is none of them.
    """
    if isinstance(given, InputFile | Together):
        return given
    place = input_of(given)
    if isinstance(place, Path) and place.is_dir():
        message = f"{valid_text(str(place))} is a folder: name its files, or send it by upload_folder."
        raise ClientError("is_folder", message)
    return find([place]).files[0]


def check_sizes(jobs: Iterable[Sendable], most: int) -> None:
    """Raises ClientError (`too_many_images`) where one would be about more images than a server takes."""
    large = [job for job in jobs if isinstance(job, Together) and len(job.files) > most]
    if large:
        named = ", ".join(f"{job.name} ({len(job.files):,})" for job in large[:_MOST_TROUBLES])
        more = f" and {len(large) - _MOST_TROUBLES:,} others" if len(large) > _MOST_TROUBLES else ""
        raise ClientError(
            "too_many_images",
            f"Asked about together, {named}{more} would be more images than the server takes in one job,"
            f" {most:,}. Nothing was sent. Put fewer together, or have the server take more"
            " (EVA01_MAX_IMAGES_PER_JOB).",
        )


def together(files: Sequence[Sendable], by: GroupBy, top: str = "") -> list[Sendable]:
    """The jobs that files make: some of them together, in the place of the first; others stay as they are.

    What is in zips a server puts together, and the image at an address is a job by itself. `top` is what
    those in no folder are called.
    """
    loose = [file for file in files if isinstance(file, InputFile) and not file.is_zip]
    jobs: dict[InputFile, Sendable | None] = {}
    for group in grouped([_as_read(file.name) for file in loose], by, top):
        theirs = tuple(loose[place] for place in group.places)
        jobs |= dict.fromkeys(theirs)
        first = loose[min(group.places)]
        jobs[first] = first if group.name is None else Together(group.name, theirs)
    made = (jobs.get(file, file) if isinstance(file, InputFile) else file for file in files)
    return [one for one in made if one is not None]


def _renamed(sendable: Sendable, named: Iterator[InputFile]) -> Sendable:
    """The same with the next of the names."""
    if isinstance(sendable, Together):
        return replace(sendable, files=tuple(next(named) for _ in sendable.files))
    return next(named) if isinstance(sendable, InputFile) else sendable


def told_apart(files: Sequence[InputFile]) -> Iterator[InputFile]:
    """Give files that would share a name to a server their paths from the folder that they all lie in.

    Where those are taken as well, a number. Who sends the same files again gives them the same names: so
    they are known.
    """
    sharing: dict[str, list[Path]] = {}
    for file in files:
        sharing.setdefault(_as_read(file.name), []).append(_place(file.path))
    taken = {name for name, places in sharing.items() if len(places) == 1}
    above = {name: os.path.commonpath([place.parent for place in places]) for name, places in sharing.items()}
    for file in files:
        read = _as_read(file.name)
        if len(sharing[read]) > 1:
            from_there = _place(file.path).relative_to(above[read])
            name = _free_name(valid_text(from_there.as_posix()), taken)
            taken.add(_as_read(name))
            yield replace(file, name=name)
        else:
            yield file


def _as_read(name: str) -> str:
    """What a server takes a name for: to it a backslash is a slash."""
    return name.replace("\\", "/")


def _place(path: Path) -> Path:
    """Where a file lies: the same however it is written."""
    return path.parent.resolve() / path.name if ".." in path.parts else path.absolute()


def _free_name(name: str, taken: Container[str]) -> str:
    path, free, number = PurePosixPath(name), name, 1
    while _as_read(free) in taken:
        number += 1
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return free
