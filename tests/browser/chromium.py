"""How the tests and the screenshots start Chromium: the machine's own, none is downloaded."""

import os
from typing import Any


def launch_arguments(chromium: str) -> dict[str, Any]:
    """What Playwright's `launch` is told, to start the program at that path."""
    # A container's shared memory is too small for the pictures of a gallery.
    flags = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    return {"executable_path": chromium, "args": flags}
