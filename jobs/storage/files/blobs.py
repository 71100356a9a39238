"""Images and the journal behind one address: a folder, S3, GCS or Azure. All can be rebuilt from here.

A call that fails is repeated for a while, with pauses that grow and differ, before it counts as failed;
what repeating cannot mend (no such image, no permission) fails at once.
"""

import builtins
import errno
import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import from_url

from jobs.contract import names
from jobs.contract.chunks import chunks
from jobs.contract.codes import Code
from jobs.contract.errors import NoRoom, NotFound, Unavailable
from jobs.contract.metrics import BLOB_OPERATIONS
from jobs.contract.settings import BadSetting

logger = logging.getLogger(__name__)

#: Schemes that `EVA01_BLOBS` may begin with.
_SCHEMES = ("file://", "s3://", "s3a://", "gs://", "az://", "memory://")
_ABSENT = (NotFoundError, FileNotFoundError)
#: What is the same the next time.
_LASTING = (*_ABSENT, InvalidPathError, NotSupportedError, PermissionDeniedError, UnauthenticatedError)
#: All up to the last @, and behind a question mark.
_KEYS = re.compile(r"(?<=://).*(?=@)|(?<=\?).*", re.DOTALL)
#: How an object store's library words the system's "no room".
_NO_ROOM = f"(os error {errno.ENOSPC})"
#: Pauses between tries, in seconds: the first, then twice as long each time; each a little longer by chance.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SPREAD_S = 0.1, 2.0, 0.1
#: Bytes that are read of an image at a time, where it is not wanted as a whole.
_PIECE_BYTES = 256 * 1024
#: Objects that are listed, or deleted, in one call.
_CHUNK = 1000
#: Folders that are listed at the same time: a bucket takes some time to answer for each.
_LISTERS = 16
#: Objects that are read at the same time, and those that are in memory meanwhile.
_READERS, _AHEAD = 16, 32
_T = TypeVar("_T")
_Listed = Sequence["obstore.ObjectMeta"]
_Listing = Iterator[_Listed]


class BlobStore:
    """Objects by their path in an object store, and images by their hash.

    A failing call is repeated for up to `patience_s` seconds, with `sleep` between the tries. Every method
    raises Unavailable when the store does not answer by then, and NoRoom when it is full. Raises BadSetting
    for an address that cannot be used.
    """

    def __init__(
        self, url: str, patience_s: float = 10.0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if not url.startswith(_SCHEMES):
            raise BadSetting(f"EVA01_BLOBS={_shown(url)!r}: should begin with one of {', '.join(_SCHEMES)}.")
        self.url = url
        self._patience_s = patience_s
        self._sleep = sleep
        try:
            self._store = _open(url)
        except (BaseError, OSError, ValueError) as error:
            why = _first_line(error).replace(url, _shown(url))
            raise BadSetting(
                f"EVA01_BLOBS={_shown(url)!r}: cannot be used: {why}. Name another place."
            ) from None

    @property
    def shown_url(self) -> str:
        """Where it is, without what may be a key."""
        return _shown(self.url)

    # Objects

    def put(self, path: str, data: bytes) -> None:
        """Write an object, in place of what is there."""
        self._write(lambda: obstore.put(self._store, path, data))

    def put_file(self, path: str, file: IO[bytes]) -> None:
        """Write an object from a file, streaming, in place of what is there."""

        def put() -> None:
            _rewind(file)
            obstore.put(self._store, path, file)

        self._write(put)

    def create(self, path: str, data: bytes) -> None:
        """Write an object where there is none.

        Raises FileExistsError where there is another; the same one, as after a try that broke off, is none.
        """

        def create() -> None:
            try:
                obstore.put(self._store, path, data, mode="create")
            except AlreadyExistsError:
                if bytes(obstore.get(self._store, path).bytes()) != data:
                    raise

        try:
            self._write(create)
        except AlreadyExistsError as error:
            raise FileExistsError(f"{path} is in the blob store already.") from error

    def copy(self, path: str, to: str) -> None:
        """Write an object once more under another path, in place of what is there.

        Raises NotFound.
        """
        try:
            self._write(lambda: obstore.copy(self._store, path, to))
        except _ABSENT as error:
            raise _no_file(path) from error

    def get(self, path: str) -> bytes:
        """An object's bytes.

        Raises NotFound.
        """
        try:
            return self._persist("get", lambda: bytes(obstore.get(self._store, path).bytes()))
        except _ABSENT as error:
            raise NotFound(f"{path} is not in the blob store.", code=Code.IMAGE_NOT_FOUND) from error

    def piece(self, path: str, start: int, end: int) -> bytes:
        """An object's bytes from one place to another.

        Raises NotFound.
        """
        read = partial(obstore.get_range, self._store, path, start=start, end=end)
        try:
            return bytes(self._persist("get", read))
        except _ABSENT as error:
            raise _no_file(path) from error

    def get_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Objects with their paths, in order, some read ahead; without those that are not there."""
        with ThreadPoolExecutor(_READERS) as readers:
            for some in chunks(paths, _AHEAD):
                found = readers.map(self._found, some)
                yield from ((path, data) for path, data in zip(some, found, strict=True) if data is not None)

    def has(self, path: str) -> bool:
        """True when there is such an object."""
        return self._persist("head", lambda: self._exists(path))

    def list(self, prefix: str, after: str | None = None) -> Iterator[str]:
        """Paths of objects below the folder `prefix`, in no order; with `after`, those that sort behind it.

        Only its beginning is repeated when it fails: what breaks off later raises Unavailable.
        """

        def begin() -> tuple[_Listing, _Listed | None]:
            listing = obstore.list(self._store, prefix, offset=after, chunk_size=_CHUNK)
            return listing, next(listing, None)

        listing, listed = self._persist("list", begin)
        while listed is not None:
            yield from (found["path"] for found in listed)
            try:
                listed = next(listing, None)
            except (BaseError, OSError) as error:
                BLOB_OPERATIONS.labels("list", "exhausted").inc()
                raise self._failure(error) from error

    def list_folders(self, prefix: str) -> Sequence[str]:
        """The paths of the folders right below the folder `prefix`."""
        return self._persist(
            "list", lambda: obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; those that are not there are no error."""
        for chunk in chunks(paths, _CHUNK):
            self._persist("delete", partial(self._delete, chunk))

    # Images

    def put_image(self, sha256: str, file: IO[bytes] | Path | bytes) -> None:
        """Keep an image under its hash, streaming; does nothing when it is there already."""
        path = names.image_path(sha256)

        def put() -> None:
            if not self._exists(path):
                _rewind(file)
                obstore.put(self._store, path, file)

        self._write(put)

    def get_image(self, sha256: str) -> bytes:
        """An image's bytes.

        Raises NotFound when the store has no such image.
        """
        try:
            return self.get(names.image_path(sha256))
        except NotFound as error:
            raise _no_image() from error

    def image_pieces(self, sha256: str) -> tuple[int, Iterator[bytes]]:
        """An image's size in bytes, and the image in pieces, each read when it is wanted.

        Raises NotFound when the store has no such image.
        """
        path = names.image_path(sha256)
        try:
            size_bytes, first = self._persist("get", lambda: self._beginning(path))
        except _ABSENT as error:
            raise _no_image() from error
        return size_bytes, self._pieces(path, [first], size_bytes)

    def has_image(self, sha256: str) -> bool:
        """True when the store has the image."""
        return self.has(names.image_path(sha256))

    def delete_images(self, sha256s: Iterable[str]) -> None:
        """Delete images with all their thumbnails and texts; those that are not there are no error."""
        hashes = list(sha256s)
        beside = (names.page_thumbnails_folder, names.texts_folder)
        folders = [place(one) for one in hashes for place in beside]
        with ThreadPoolExecutor(_LISTERS, thread_name_prefix="list") as threads:
            of_pages = threads.map(lambda folder: [*self.list(folder)], folders)
            places = (names.image_path, names.thumbnail_path)
            self.delete([*(place(one) for one in hashes for place in places), *chain(*of_pages)])

    def ping(self) -> None:
        """Ask the store once for something, whether it is there or not."""
        try:
            self._exists(names.image_path("0" * 64))
        except (BaseError, OSError) as error:
            raise self._failure(error) from error

    def _found(self, path: str) -> bytes | None:
        try:
            return self.get(path)
        except NotFound:
            return None

    def _beginning(self, path: str) -> tuple[int, bytes]:
        """How many bytes an object has, and the first of them."""
        found = obstore.get(self._store, path, options={"range": (0, _PIECE_BYTES)})
        return found.meta["size"], bytes(found.bytes())

    def _pieces(self, path: str, first: "builtins.list[bytes]", size_bytes: int) -> Iterator[bytes]:
        start = len(first[0])
        yield first.pop()  # A piece that is kept here would be in memory for as long as somebody takes it.
        for place in range(start, size_bytes, _PIECE_BYTES):
            end = min(place + _PIECE_BYTES, size_bytes)
            read = partial(obstore.get_range, self._store, path, start=place, end=end)
            yield bytes(self._persist("get", read))

    def _exists(self, path: str) -> bool:
        try:
            obstore.head(self._store, path)
        except _ABSENT:
            return False
        return True

    def _write(self, call: Callable[[], object]) -> None:
        try:
            self._persist("put", call)
        except _ABSENT as error:
            # Not what is written is absent, but where: a bucket, or a folder that is being removed.
            raise self._failure(error) from error

    def _delete(self, paths: Sequence[str]) -> None:
        try:
            obstore.delete(self._store, paths)
        except _ABSENT:
            # A folder stops at the first that is not there.
            for path in paths:
                with suppress(*_ABSENT):
                    obstore.delete(self._store, path)

    def _persist(self, operation: str, call: Callable[[], _T]) -> _T:
        began_s, pause_s = time.monotonic(), 0.0
        while True:
            try:
                result = call()
                break
            except (*_ABSENT, AlreadyExistsError):
                BLOB_OPERATIONS.labels(operation, "ok").inc()
                raise
            except (BaseError, OSError) as error:
                if not _may_pass(error) or time.monotonic() - began_s >= self._patience_s:
                    BLOB_OPERATIONS.labels(operation, "exhausted").inc()
                    raise self._failure(error) from error
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
            self._sleep(pause_s + random.uniform(0, _SPREAD_S))  # noqa: S311 (nothing to guess)
        BLOB_OPERATIONS.labels(operation, "retried" if pause_s else "ok").inc()
        return result

    def _failure(self, error: BaseException) -> Unavailable:
        """The error as callers hear of it, who need not know where the store is; the log says that."""
        logger.warning("The blob store %s does not answer: %s", self.shown_url, _first_line(error))
        if _is_full(error):
            return NoRoom("The blob store is full. Make room there (EVA01_BLOBS).")
        return Unavailable(
            "The blob store does not answer. Try again in a moment; the server's log says why.",
            code=Code.BLOB_STORE_UNAVAILABLE,
        )


def _no_file(path: str) -> NotFound:
    return NotFound(f"{path} is not in the blob store.", code=Code.FILE_NOT_FOUND)


def _no_image() -> NotFound:
    """Without the image's hash: whoever hears of it may be no owner of the image, but a link's reader."""
    message = "The image is not in the blob store any more. Send the file again."
    return NotFound(message, code=Code.IMAGE_NOT_FOUND)


def _first_line(error: BaseException) -> str:
    """What a library says of an error, without its whole state, which follows."""
    return str(error).split("\n", 1)[0]


def _shown(url: str) -> str:
    """An address as a log may show it: without what may be a key."""
    return _KEYS.sub("***", url)


def _open(url: str) -> "obstore.store.ObjectStore":
    if url.startswith("file://"):
        # A folder goes with the last object in it, as in a bucket.
        return from_url(url, mkdir=True, automatic_cleanup=True)
    if url.startswith("memory://"):
        return from_url(url)
    # The library's own repeating would be silent, and uncounted.
    return from_url(url, retry_config={"max_retries": 0})


def _rewind(file: IO[bytes] | Path | bytes) -> None:
    if not isinstance(file, Path | bytes):
        file.seek(0)


def _may_pass(error: BaseException) -> bool:
    """True when the same call may succeed later."""
    return isinstance(error, BaseError | OSError) and not isinstance(error, _LASTING) and not _is_full(error)


def _is_full(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or _NO_ROOM in str(error)
