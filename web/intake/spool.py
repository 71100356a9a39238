"""The files of a request, on disk while it is answered, in one unnamed file that vanishes with it.

A request of a thousand files so needs one file descriptor, and nothing is left behind by a crash.
"""

import hashlib
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol, cast

from flask import Flask, Request, request
from werkzeug.datastructures import FileStorage
from werkzeug.http import parse_options_header

from jobs.contract.codes import Code
from jobs.contract.discreet import discreet
from jobs.contract.errors import BadInput, NoRoom, TooLarge
from jobs.contract.settings import Limits
from web.intake.budget import Budget
from web.intake.forms import MULTIPART, FormParser
from web.services import services

#: Text fields of a form besides its files, and bytes of all of them: `questions` may name every file.
_FORM_FIELDS, _FORM_FIELD_BYTES = 100, 16 * 1024 * 1024
#: Where images are sent within JSON.
CHAT_PATH, RESPONSES_PATH = "/v1/chat/completions", "/v1/responses"
#: Where files of requests are sent, each of which may be larger than an image.
FILES_PATH = "/v1/files"
#: Bytes of any other request without files, which is read into memory: a thousand paths with hashes fit.
_TEXT_BYTES = 8 * 1024 * 1024


def register_spool(app: Flask, limits: Limits) -> None:
    """Make `app` take its requests' files into spools, within `limits`."""
    app.request_class = SpooledRequest
    app.config["MAX_CONTENT_LENGTH"] = limits.max_request_bytes
    app.config["MAX_FORM_PARTS"] = limits.max_files_per_request + _FORM_FIELDS
    app.config["MAX_FORM_MEMORY_SIZE"] = _FORM_FIELD_BYTES
    app.before_request(_keep_texts_short)


def most_body_bytes(path: str, content_type: str, limits: Limits) -> int:
    """How many bytes the body of a request may have."""
    if parse_options_header(content_type)[0].lower() == MULTIPART:
        return limits.max_request_bytes
    most_bytes = limits.max_chat_bytes if path.endswith((CHAT_PATH, RESPONSES_PATH)) else _TEXT_BYTES
    return min(most_bytes, limits.max_request_bytes)


def _keep_texts_short() -> None:
    sent_as = request.content_type or ""
    request.max_content_length = most_body_bytes(request.path, sent_as, services().limits)


class Spool:
    """One unnamed file in `folder`, cut into parts that are written one after the other."""

    def __init__(self, folder: Path, min_free_bytes: int = 0) -> None:
        try:
            check_room(folder, min_free_bytes)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise no_room(error) from error
        self._end = self._count = 0
        self._last: Part | None = None

    def new_part(self, keep_bytes: int | None = None) -> "Part":
        """The next part; bytes beyond `keep_bytes` are counted and not kept."""
        if self._last is not None:
            self._end += self._last.kept_bytes
        self._count += 1
        self._last = Part(self._file.fileno(), self._end, keep_bytes, self._count)
        return self._last

    @property
    def size_bytes(self) -> int:
        """Bytes of all its parts that are kept."""
        return self._end + (self._last.kept_bytes if self._last else 0)

    def close(self) -> None:
        """Let it vanish."""
        self._file.close()


class Part(io.RawIOBase):
    """A range of a spool as a file of its own: written once, then read and sought at will."""

    def __init__(self, descriptor: int, start: int, keep_bytes: int | None, number: int) -> None:
        self._descriptor, self._start, self._keep_bytes = descriptor, start, keep_bytes
        #: Which part of its spool it is, from 1.
        self.number = number
        self._place = 0
        self.kept_bytes = 0
        #: All bytes that were written, kept or not.
        self.size_bytes = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of all bytes that were written, in hexadecimal digits."""
        return self._digest.hexdigest()

    def write(self, data: Any) -> int:
        """Append.

        Raises NoRoom when there is none.
        """
        self.size_bytes += len(data)
        self._digest.update(data)
        room = len(data) if self._keep_bytes is None else max(0, self._keep_bytes - self.kept_bytes)
        left = memoryview(data)[:room]
        while left:
            try:
                written = os.pwrite(self._descriptor, left, self._start + self.kept_bytes)
            except OSError as error:
                raise no_room(error) from error
            self.kept_bytes += written
            left = left[written:]
        return len(data)

    def readinto(self, buffer: Any) -> int:
        """Read on from where we are."""
        view = memoryview(buffer)[: max(0, self.kept_bytes - self._place)]
        count = os.preadv(self._descriptor, [view], self._start + self._place)
        self._place += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere else to read."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.kept_bytes}[whence]
        if origin + offset < 0:
            raise OSError(22, "a place before the beginning")
        self._place = origin + offset
        return self._place

    def tell(self) -> int:
        """Where we are."""
        return self._place

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True


class Fetched(Protocol):
    """Files that are fetched for a request."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all that came."""

    def close(self) -> None:
        """Let them vanish."""


class SpooledRequest(Request):
    """A request whose files go to a spool while they arrive; too many of them end it."""

    form_data_parser_class = FormParser
    _spool: Spool | None = None
    _fetched: Fetched | None = None
    _is_held = False
    _file_count = 0

    def __init__(self, *environ: Any, **how: Any) -> None:
        super().__init__(*environ, **how)
        self._budget = Budget()

    @property
    def sent(self) -> list[FileStorage]:
        """Its files and addresses in the order in which they were sent, whatever their fields are called."""
        # A form's fields are read one after the other, each with all that it has.
        files = [file for _, file in self.files.items(multi=True)]
        return sorted(files, key=lambda file: cast(Part, file.stream).number)

    def kept(self, data: bytes, name: str) -> FileStorage:
        """A file of those bytes, which came otherwise than in a form.

        Raises NoRoom, and TooLarge (`too_many_files`).
        """
        stream = self._get_file_stream(None, None, name)
        stream.write(data)
        stream.seek(0)
        return FileStorage(stream, name)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as JSON, also where `force` has it read whatever it is called, but for a form.

        A form may be a hundred times as large, because its files do not go through memory. Raises BadInput
        (`malformed_body`).
        """
        if force and self.mimetype == MULTIPART:
            raise BadInput(
                "The body is sent as a form. Send a JSON object, as application/json.",
                code=Code.MALFORMED_BODY,
            )
        return super().get_json(force=force, silent=silent, cache=cache)

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        """Raises BadInput (`malformed_body`) for a body that is no JSON."""
        raise BadInput("The body is no JSON. Send a JSON object, in UTF-8.", code=Code.MALFORMED_BODY) from e

    def check_budget(self) -> None:
        """Raises TooLarge (`request_too_costly`) when no more of its files are to be looked at."""
        sent_bytes = self._spool.size_bytes if self._spool else 0
        fetched_bytes = self._fetched.size_bytes if self._fetched else 0
        self._budget.check(sent_bytes + fetched_bytes, services().limits)

    def spend(self, cpu_s: float) -> None:
        """Note seconds of CPU that a process of its own has taken for it."""
        self._budget.spend(cpu_s)

    def hold(self, fetched: Fetched) -> None:
        """Keep its files, and what is fetched for it, also when Flask leaves it, until `resume`."""
        self._fetched, self._is_held = fetched, True

    def resume(self) -> None:
        """Go on with it after Flask has left it; when it is left again it is over."""
        self._is_held = False

    def begin_budget(self) -> None:
        """Give it its time anew, in another thread than the one that has begun it."""
        self._budget = Budget()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        limits = services().limits
        self._file_count += 1
        if self._file_count > limits.max_files_per_request:
            raise TooLarge(
                f"The request has more than {limits.max_files_per_request} files"
                " (EVA01_MAX_FILES_PER_REQUEST). Send them in several requests.",
                code=Code.TOO_MANY_FILES,
            )
        if self._spool is None:
            self._spool = Spool(services().spool_folder, limits.min_free_bytes)
        return cast(IO[bytes], self._spool.new_part(self._most_bytes(filename or "", limits)))

    def _most_bytes(self, filename: str, limits: Limits) -> int | None:
        """How many bytes of a file are kept; None for all."""
        if self.path.endswith(FILES_PATH):
            return limits.max_requests_bytes
        return None if filename.lower().endswith(".zip") else limits.max_image_bytes

    def close(self) -> None:
        """Called by Flask when it leaves the request."""
        if self._is_held:
            return
        super().close()
        if self._spool is not None:
            self._spool.close()
        if self._fetched is not None:
            self._fetched.close()


def spooled_request() -> SpooledRequest:
    """The current one itself, which may be asked for each file: Flask's stand-in looks it up each time."""
    return cast(SpooledRequest, request._get_current_object())  # type: ignore[attr-defined]


def check_room(folder: Path, min_free_bytes: int) -> None:
    """Raises NoRoom when the disk of `folder` has less room than must stay."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < min_free_bytes:
        raise NoRoom(
            f"The disk of the data folder has {free_bytes:,} bytes left, and {min_free_bytes:,} must stay"
            " (EVA01_MIN_FREE_BYTES). Make room there (EVA01_DATA)."
        )


def no_room(error: Exception) -> NoRoom:
    """What an error of the disk means for the one who asked."""
    reason = getattr(error, "strerror", None) or discreet(error)
    return NoRoom(f"This cannot be written to the data folder: {reason}. Make room there (EVA01_DATA).")
