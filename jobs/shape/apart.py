"""What a stranger's schema asks of the libraries that read it, by a process that may be killed.

A few kilobytes of patterns that all have to hold, or of parts that double, would take all time and memory.

schema          ──► plain? here : python -m jobs.shape.alone ──► why answers cannot be held to it
schema, answer  ──► light? here : python -m jobs.shape.alone ──► why the answer does not satisfy it
"""

import json
import math
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

#: Seconds of CPU that one answer may take, and seconds in which even a busy machine has given them.
_ANSWER_CPU_S, _PATIENCE_S = 2, 60
#: Bytes of memory of a process.
_MEMORY_BYTES = 256 * 1024 * 1024


class TooMany(Exception):
    """Raised when as many schemas are being read as may."""


class TooMuch(ValueError):
    """Raised when reading a schema takes more time or memory than it may."""


def fault_apart(schema: dict[str, Any], cpu_s: float, places: BoundedSemaphore | None = None) -> str | None:
    """Why answers cannot be held to a schema, behind those words; None when they can.

    Raises TooMuch, and TooMany when none of `places` is free: whoever waited would hold a thread.
    """
    return _fault(json.dumps(schema), cpu_s, places)


def mismatch_apart(schema: str, answer: str) -> str | None:
    """Why an answer does not satisfy a schema, both of them JSON; None when it does. Raises TooMuch."""
    return _said_alone(_ANSWER_CPU_S, schema=schema, answer=answer)


# A batch's calls all bring the same one. What was too much is asked again: it is not returned.
@lru_cache(maxsize=256)
def _fault(schema: str, cpu_s: float, places: BoundedSemaphore | None) -> str | None:
    if places is None:
        return _said_alone(cpu_s, schema=schema)
    if not places.acquire(blocking=False):
        raise TooMany
    try:
        return _said_alone(cpu_s, schema=schema)
    finally:
        places.release()


def _said_alone(cpu_s: float, **said: str) -> str | None:
    command = [sys.executable, "-P", "-m", "jobs.shape.alone", str(math.ceil(cpu_s)), str(_MEMORY_BYTES)]
    # It needs nothing else, so it has no secret of ours.
    environment = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    try:
        ended = subprocess.run(  # noqa: S603 (our own module, no shell)
            command,
            input=json.dumps(said).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TooMuch from error
    if not ended.stdout:
        raise TooMuch
    fault: str | None = json.loads(ended.stdout.splitlines()[-1])
    return fault
