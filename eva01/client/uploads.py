"""Sending many files: in requests of moderate size, several at a time, each file with its own outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed

from eva01.client.errors import ClientError, FileUnreadable
from eva01.client.files import Sendable, Together, files_in
from eva01.client.models import Uploaded, refused

#: Files in one request at most.
CHUNK_FILES = 64
#: Bytes in one request at most, unless a single file has more.
CHUNK_BYTES = 32 * 1024 * 1024
#: Requests under way at the same time.
PARALLEL = 4

#: Sends some files in one request and says what became of each.
Send = Callable[[Sequence[Sendable]], Uploaded]


def chunks(files: Sequence[Sendable]) -> Iterator[list[Sendable]]:
    """Files in the order given, cut where a request would grow too large; each zip goes alone.

    Those of one job stay in one request.
    """
    chunk: list[Sendable] = []
    size_bytes = 0
    for file in files:
        is_full = sum(map(_count, chunk)) + _count(file) > CHUNK_FILES
        is_full = is_full or size_bytes + file.size_bytes > CHUNK_BYTES
        if chunk and (is_full or file.is_zip or chunk[-1].is_zip):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(file)
        size_bytes += file.size_bytes
    if chunk:
        yield chunk


def upload(files: Sequence[Sendable], send: Send) -> Iterator[Uploaded]:
    """Send all files; gives each request's outcomes as it ends.

    A file that cannot be read or is refused on its own is an outcome; raises ClientError for anything
    that stops them all, when the requests under way have ended, with the files that were `unsent`.
    """
    pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload")
    try:
        yield from _outcomes({pool.submit(_send_chunk, chunk, send): chunk for chunk in chunks(files)})
    finally:
        # After a Ctrl-C do not wait for the requests in progress.
        pool.shutdown(wait=False, cancel_futures=True)


def _outcomes(requests: Mapping[Future[Uploaded], Sequence[Sendable]]) -> Iterator[Uploaded]:
    """The outcomes of requests as they end; after one that stops them all no other is begun."""
    stopped: ClientError | None = None
    unsent: set[str] = set()
    for request in as_completed(requests):
        try:
            uploaded = request.result()
        except CancelledError:
            unsent |= {file.name for file in requests[request]}
        except ClientError as error:
            stopped = stopped or error
            unsent |= {file.name for file in requests[request]}
            for other in requests:
                other.cancel()
        else:
            yield uploaded
    if stopped:
        stopped.unsent = tuple(
            file.name for files in requests.values() for file in files if file.name in unsent
        )
        raise stopped


def _send_chunk(chunk: list[Sendable], send: Send) -> Uploaded:
    """Send a chunk without the files that cannot be read; halve it while the reply is 413 (too large)."""
    try:
        return send(chunk) if chunk else Uploaded()
    except FileUnreadable as error:
        spoilt = [file for file in chunk if any(one.name == error.name for one in files_in(file))]
        readable = [file for file in chunk if file not in spoilt]
        outcomes = (_refused(file, error) for file in spoilt)
        return sum(outcomes, Uploaded()) + _send_chunk(readable, send)
    except ClientError as error:
        if error.status != 413:
            raise
        if len(chunk) == 1:
            return _refused(chunk[0], error)
        middle = len(chunk) // 2
        return _send_chunk(chunk[:middle], send) + _send_chunk(chunk[middle:], send)


def _refused(file: Sendable, error: ClientError) -> Uploaded:
    files = [one.name for one in file.files] if isinstance(file, Together) else None
    return Uploaded(files=[refused(file.name, error, files)])


def _count(file: Sendable) -> int:
    return len(file.files) if isinstance(file, Together) else 1
