"""The texts that pages of a PDF hold, as workers have kept them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from jobs.contract import names
from jobs.contract.errors import NotFound
from jobs.storage.files.blobs import BlobStore

#: Texts that are read at the same time, and characters of all that are given.
_READERS, _MOST_CHARS = 16, 2_000_000


def texts_of(blobs: BlobStore, sha256: str, is_wanted: Callable[[int], bool]) -> Iterator[tuple[int, str]]:
    """The wanted pages of a file that hold text, in order, with that. It ends where it is too much.

    Raises Unavailable.
    """
    folder = names.texts_folder(sha256)
    there = (path.rpartition("/")[2].removesuffix(".txt") for path in blobs.list(folder))
    pages = sorted(int(number) for number in there if number.isdecimal() and is_wanted(int(number)))
    left = _MOST_CHARS
    with ThreadPoolExecutor(_READERS, thread_name_prefix="text") as threads:
        for number, text in zip(
            pages, threads.map(lambda one: _text(blobs, sha256, one), pages), strict=True
        ):
            left -= len(text)
            if left < 0:
                return
            if text:
                yield number, text


def _text(blobs: BlobStore, sha256: str, page: int) -> str:
    try:
        return blobs.get(names.text_path(sha256, page)).decode(errors="replace")
    except NotFound:
        return ""
