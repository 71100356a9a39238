"""Which files of a request make one job: those that its list names together, or that a rule puts together.

a file by itself             ──► a job, or one for each of its pages
files of one job in `jobs`   ──► one job about all of them, in this order
group_by, for all others     ──► a job for each folder, or for names that are the same but for a number
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from jobs.contract.asking.groups import GroupBy, grouped
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from web.intake.asking import check_images
from web.intake.names.paths import normalise

_T = TypeVar("_T")


class SaidJob(BaseModel):
    """Files of a request that one job is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field("", description="What the job is called; else as their folder, or the first of them.")
    files: list[str] = Field(
        min_length=1, description="Names of files of this request, in the order in which it is about them."
    )


@dataclass(frozen=True)
class Said:
    """What is said of the files of a request besides their names."""

    #: From paths, or from names of jobs about several files, to questions that replace the batch's.
    questions: Mapping[str, str] = field(default_factory=dict)
    #: The files of jobs about several, and what puts others together.
    jobs: Sequence[SaidJob] = ()
    group_by: GroupBy | None = None


@dataclass(frozen=True)
class Wanted(Generic[_T]):
    """A job that is to be made, and its files in their order."""

    #: What it is called.
    name: str
    files: Sequence[_T]
    #: What its files are called; none for one that is called as the job.
    names: tuple[str, ...] = ()


def wanted_jobs(
    files: Sequence[tuple[str, _T]],
    said: Sequence[SaidJob],
    by: GroupBy | None,
    limits: Limits,
    top: str = "",
) -> list[Wanted[_T]]:
    """The jobs that files make, which come with their paths; in the order in which these begin.

    `top` is what a job of files in no folder is called. Raises BadInput (`invalid_field`) for a name in
    `said` that is no file's or several files', or is there twice; and TooLarge (`too_many_images`).
    """
    paths = [path for path, _ in files]
    there: dict[str, list[int]] = {}
    for place, path in enumerate(paths):
        there.setdefault(path, []).append(place)
    listed = [(job, [_place(normalise(name), there) for name in job.files]) for job in said]
    for job, places in listed:
        check_images(named(job.file, [paths[place] for place in places]), len(places), limits)
    taken = _taken(listed, paths)
    rest = [place for place in range(len(paths)) if place not in taken]
    groups = [(job.file, places) for job, places in listed]
    if by:
        found = grouped([paths[place] for place in rest], by, top)
        groups += [(group.name or "", [rest[place] for place in group.places]) for group in found]
    else:
        groups += [("", [place]) for place in rest]
    return [_wanted(name, [files[place] for place in places]) for name, places in sorted(groups, key=_begins)]


def named(said: str, paths: Sequence[str]) -> str:
    """What a job about files is called: as was said, as the folder that they all lie in, or as the first."""
    if said.strip():
        return normalise(said)
    if len(paths) == 1:
        return paths[0]
    folders = {path.rpartition("/")[0] for path in paths}
    return folders.pop() or paths[0] if len(folders) == 1 else paths[0]


def names_in(name: str, paths: Sequence[str]) -> tuple[str, ...]:
    """What a job has to keep of the names of its files: nothing of one that is called as the job is."""
    return () if [*paths] == [name] else tuple(paths)


@contextmanager
def about_image(place: int, paths: Sequence[str]) -> Iterator[None]:
    """Have a BadInput that is raised in the block say about which of a job's images it is."""
    try:
        yield
    except BadInput as error:
        error.image = place
        if len(paths) == 1:
            raise
        message = f"Image {place + 1} of {len(paths)}, {paths[place][:1000]}: {error.message}"
        raise BadInput(message, code=error.code, image=place) from error


def _wanted(said: str, files: Sequence[tuple[str, _T]]) -> Wanted[_T]:
    paths = [path for path, _ in files]
    name = named(said, paths)
    return Wanted(name, [file for _, file in files], names_in(name, paths))


def _begins(group: tuple[str, list[int]]) -> int:
    return min(group[1])


def _place(path: str, there: Mapping[str, Sequence[int]]) -> int:
    """Where the file of a path is among all."""
    places = there.get(path, ())
    if len(places) != 1:
        found = f"{len(places)} files of this request are" if places else "no image of this request is"
        raise _bad(f"names {path[:100]!r}, and {found} called so")
    return places[0]


def _taken(listed: Sequence[tuple[SaidJob, list[int]]], paths: Sequence[str]) -> set[int]:
    """The places of all files that jobs name."""
    taken: set[int] = set()
    for _, places in listed:
        for place in places:
            if place in taken:
                raise _bad(f"names {paths[place][:100]!r} twice")
            taken.add(place)
    return taken


def _bad(what: str) -> BadInput:
    return BadInput(
        f"`jobs` {what}. Name each file once, as it is called in the form.", code=Code.INVALID_FIELD
    )
