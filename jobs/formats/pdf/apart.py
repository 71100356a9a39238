"""What a PDF's pages are, asked of a process that may die of them: web and worker ask it alike.

file ──► python -m jobs.formats.pdf.alone ──► sizes of all pages, or one drawn with its text
                     └──killed for time or memory, or broken──► a reason, of this file alone
"""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, ImageRejected, TooLarge
from jobs.contract.settings import Limits
from jobs.formats.images import check_pixels, truncated_image

#: Seconds in which even a busy machine has given those of CPU, for each of them, and to start in.
_PATIENCE, _START_S = 4, 20
#: Bytes of the line before the pixels, which names a few hundred pages, and of a text.
_LINE_BYTES, _TEXT_BYTES = 1 << 20, 1 << 18
#: Rows that are read at a time.
_ROWS = 256
#: What it ends with when Python has no memory left (jobs/formats/pdf/alone.py); how PDFium ends then; and how
#: the kernel ends it where the machine has none left.
_NO_MEMORY = 3
_COSTLY = {_NO_MEMORY, *(-one for one in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGKILL))}


@dataclass(frozen=True)
class Drawn:
    """A page as it was drawn."""

    #: How many pages there are.
    pages: int
    #: Its size at the resolution that was asked for, in pixels; what was drawn may have fewer.
    width: int
    height: int
    drawn: tuple[int, int]
    #: Takes its pixels some rows at a time, in RGB.
    pixels: Iterator[bytes]
    #: Gives the text that the page holds, once its pixels are taken.
    text: Callable[[], str]


def count_pages(
    file: IO[bytes], limits: Limits, dpi: int, spend: Callable[[float], None] = lambda cpu_s: None
) -> int:
    """How many pages a PDF has, one of which at least can be drawn at `dpi`.

    `spend` is told how many seconds of CPU that took, also when it fails. Raises ImageRejected
    (`truncated_image`, `pdf_password`) and TooLarge (`too_many_pages`, `too_many_pixels`, `pdf_too_costly`).
    """
    cost = _Cost(math.ceil(limits.request_cpu_s), limits.pdf_memory_bytes)
    with _asked(file, cost, "sizes", limits.max_pages, dpi, spend=spend) as reply:
        told = _told(reply)
    _check_count(told["pages"], limits)
    _check_some(told["sizes"], limits, dpi)
    return int(told["pages"])


@contextmanager
def drawn_page(file: IO[bytes], number: int, dpi: int, most_pixels: int, limits: Limits) -> Iterator[Drawn]:
    """A page at `dpi`, drawn smaller where it would have more than `most_pixels`.

    Raises the same, for this page.
    """
    cost = _Cost(limits.pdf_page_cpu_s, limits.pdf_memory_bytes)
    with _asked(file, cost, "page", number, dpi, most_pixels) as reply:
        told = _told(reply)
        _check_count(told["pages"], limits)
        _check_size(told["width"], told["height"], limits, dpi)
        size = (told["drawn"][0], told["drawn"][1])
        yield Drawn(
            pages=told["pages"],
            width=told["width"],
            height=told["height"],
            drawn=size,
            pixels=_rows(reply, size),
            text=lambda: reply.read(_TEXT_BYTES).decode(errors="ignore"),
        )


class _Cost(NamedTuple):
    """What a process may take: seconds of CPU, and bytes of memory."""

    cpu_s: int
    memory_bytes: int


class _Incomplete(Exception):
    """Raised when the process has not said all that it was asked for."""


@contextmanager
def _asked(
    file: IO[bytes], cost: _Cost, *asked: object, spend: Callable[[float], None] = lambda cpu_s: None
) -> Iterator[IO[bytes]]:
    """What the process says; whatever it dies of becomes a reason."""
    command = [sys.executable, "-P", "-m", "jobs.formats.pdf.alone", *map(str, (*cost, *asked))]
    # It needs nothing else, so it has no secret of ours.
    environment = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    with tempfile.TemporaryFile() as content:
        file.seek(0)
        shutil.copyfileobj(file, content)
        content.seek(0)
        process = subprocess.Popen(  # noqa: S603 (our own module, no shell)
            command,
            stdin=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    assert process.stdout is not None
    # Popen's own `kill` would wait for it as well, and then nobody knows what it took.
    killer = threading.Timer(_START_S + _PATIENCE * cost.cpu_s, os.kill, (process.pid, signal.SIGKILL))
    killer.start()
    is_whole = False
    try:
        with process.stdout as reply:
            yield reply
        is_whole = True
    except _Incomplete:
        pass
    finally:
        is_late = not killer.is_alive()
        killer.cancel()
        killer.join()
        # When it has said all, nothing else is wanted of it.
        os.kill(process.pid, signal.SIGKILL)
        spend(_reaped(process))
    if not is_whole:
        raise _died(process.returncode, is_slow=is_late or process.returncode == -signal.SIGXCPU)


def _reaped(process: "subprocess.Popen[bytes]") -> float:
    """Wait for its end; gives the seconds of CPU that it took."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def _told(reply: IO[bytes]) -> dict[str, Any]:
    line = reply.readline(_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise _Incomplete
    told: dict[str, Any] = json.loads(line)
    if "fault" in told:
        raise _fault(told["fault"])
    return told


def _rows(reply: IO[bytes], size: tuple[int, int]) -> Iterator[bytes]:
    for top in range(0, size[1], _ROWS):
        wanted = 3 * size[0] * min(_ROWS, size[1] - top)
        data = reply.read(wanted)
        if len(data) < wanted:
            raise _Incomplete
        yield data


def _fault(what: str) -> Eva01Error:
    if what in ("password", "encryption"):
        why = "needs a password" if what == "password" else "is encrypted in a way that is not known here"
        return ImageRejected(f"The PDF {why}. Save it without one, and send that.", code=Code.PDF_PASSWORD)
    if what == "no such page":
        return ImageRejected("The file has no such page.")
    found = "" if what == "damaged" else f"{what} cannot be read"
    return truncated_image(found or "no pages are found in the PDF")


def _died(code: int, *, is_slow: bool) -> Eva01Error:
    """Why a process ended before it had said all."""
    if is_slow or code in _COSTLY:
        what = "time" if is_slow else "memory"
        return TooLarge(
            f"The PDF, or this page of it, takes more {what} than it may. Print it to a new PDF, or send the"
            " page as an image.",
            code=Code.PDF_TOO_COSTLY,
        )
    return truncated_image("the PDF's reader broke on it")


def _check_count(pages: int, limits: Limits) -> None:
    if pages > limits.max_pages:
        raise TooLarge(
            f"The file has {pages:,} pages; the limit is {limits.max_pages:,} (EVA01_MAX_PAGES). Split it,"
            " and send its parts.",
            code=Code.TOO_MANY_PAGES,
        )


def _check_some(sizes: list[list[int]], limits: Limits, dpi: int) -> None:
    """Raises TooLarge when no page can be drawn; where only some cannot, their jobs say so."""
    first: TooLarge | None = None
    for width, height in sizes:
        try:
            _check_size(width, height, limits, dpi)
        except TooLarge as error:
            first = first or error
        else:
            return
    if first:
        raise first


def _check_size(width: int, height: int, limits: Limits, dpi: int) -> None:
    """Raises TooLarge, before a pixel of it is there."""
    try:
        check_pixels(width, height, limits)
    except TooLarge as error:
        message = f"At {dpi} dpi: {error.message} Or ask for a lower dpi."
        raise TooLarge(message, code=error.code) from error
