"""The Chromium that the tests and the screenshots drive: the machine's own, none is downloaded."""

import os
import shutil
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoChromium(Exception):
    """Raised when there is no Chromium; says how to get one."""


def find_chromium() -> str:
    """The path of EVA01_CHROMIUM, or of the first Chromium on PATH.

    Raises NoChromium.
    """
    given = os.environ.get("EVA01_CHROMIUM", "")
    if given:
        if found := shutil.which(given):
            return found
        raise NoChromium(f"EVA01_CHROMIUM={given!r} is no program that can be run.")
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise NoChromium(
        "There is no Chromium on PATH. Install Debian's package: apt-get install chromium. "
        "Or name another with EVA01_CHROMIUM=/path/to/chromium."
    )


def launch_arguments() -> dict[str, Any]:
    """What Playwright's `launch` is told."""
    # A container's shared memory is too small for the pictures of a gallery.
    flags = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    return {"executable_path": find_chromium(), "args": flags}
