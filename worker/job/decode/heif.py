"""HEIF by a process of its own: a damaged file may end its reader, and must not end the worker."""

import importlib.util
import subprocess
import sys

from jobs.formats.images import reader_missing, truncated_image

#: Seconds for one picture; a large one takes a few.
_TIMEOUT_S = 60
#: How the reader says that the file has several pictures.
SEVERAL = b"several\n"
ONE = b"one\n"


def as_png(data: bytes) -> tuple[bytes, bool]:
    """The first picture of a HEIF, upright, as a PNG; and whether there are several.

    Raises ImageRejected (`truncated_image`; `unsupported_format` without the package that reads it).
    """
    if importlib.util.find_spec("pi_heif") is None:
        raise reader_missing("HEIF")
    command = [sys.executable, "-m", "worker.job.decode.heif_reader"]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise truncated_image(f"it was not read within {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise truncated_image(said[-1] if done.returncode == 1 and said else "its reader broke on it")
    for word in (SEVERAL, ONE):
        if done.stdout.startswith(word):
            return done.stdout[len(word) :], word == SEVERAL
    raise truncated_image("its reader said nothing")
