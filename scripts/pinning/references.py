"""Where files name images: `ARG BASE=` in Dockerfiles, `image:` in YAML, `newTag:` for kustomize."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Files that name images, relative to the repository.
_FILES = ("docker/*.Dockerfile", "docker-compose.yaml", "k8s/**/*.yaml")
#: The first part of a name is a registry when it could be a host.
_HUB, _HUB_API = "docker.io", "registry-1.docker.io"
_NAME, _TAG = r"(?P<name>[\w.:/-]+)", r"(?P<tag>[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
_NAMED = (
    re.compile(rf"^(?P<before>(?:ARG BASE=|\s*(?:- )?image: ){_NAME}:){_TAG}", re.MULTILINE),
    re.compile(rf"^(?P<before>\s*- name: {_NAME}\n\s+newTag: ){_TAG}", re.MULTILINE),
)
#: Built from this repository, so nobody else has them.
OURS = "ghcr.io/eva01/"


@dataclass(frozen=True)
class Reference:
    """An image as files name it."""

    name: str
    tag: str
    digest: str | None = None

    @property
    def registry(self) -> str:
        """The host that has it."""
        host, slash, _ = self.name.partition("/")
        is_host = bool(slash) and ("." in host or ":" in host)
        return host if is_host and host != _HUB else _HUB_API

    @property
    def repository(self) -> str:
        """Its name at that host."""
        if self.registry != _HUB_API:
            return self.name.partition("/")[2]
        name = self.name.removeprefix(f"{_HUB}/")
        return name if "/" in name else f"library/{name}"

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"


def files(root: Path) -> Iterator[Path]:
    """The files below `root` that may name images."""
    for pattern in _FILES:
        yield from sorted(root.glob(pattern))


def references(text: str) -> list[Reference]:
    """The images that a file names by a tag, without our own."""
    found = [one for named in _NAMED for one in named.finditer(text)]
    images = [Reference(one["name"], one["tag"], one["digest"]) for one in found]
    return [image for image in images if not image.name.startswith(OURS)]


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """The text with the digest behind each image that `digests` has by its name and tag."""

    def written(one: re.Match[str]) -> str:
        image = str(Reference(one["name"], one["tag"]))
        return f"{one['before']}{one['tag']}@{digests[image]}" if image in digests else one[0]

    for named in _NAMED:
        text = named.sub(written, text)
    return text
