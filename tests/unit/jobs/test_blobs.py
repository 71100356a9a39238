"""Images in a folder: stored once, found again, and clear errors."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest

from jobs.contract.errors import NotFound, Unavailable
from jobs.contract.metrics import BLOB_OPERATIONS
from jobs.contract.settings import BadSetting
from jobs.storage.files.blobs import BlobStore
from tests.servers.serving import Serving

SHA = "cd" * 32


@pytest.fixture
def blobs(tmp_path) -> BlobStore:
    return BlobStore((tmp_path / "my blobs é").as_uri())


def test_an_image_comes_back_byte_for_byte(blobs, tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(256)) * 100_000)
    with file.open("rb") as stream:
        blobs.put_image(SHA, stream)
    assert blobs.get_image(SHA) == file.read_bytes()


@pytest.mark.parametrize("size_bytes", [1, 1024 * 1024, 1024 * 1024 + 1, 3_333_333])
def test_an_image_comes_in_pieces_that_are_read_when_they_are_wanted(blobs, size_bytes):
    data = (bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]
    blobs.put_image(SHA, data)
    told_bytes, pieces = blobs.image_pieces(SHA)
    first = next(pieces)
    assert (told_bytes, len(first) <= 1024 * 1024) == (size_bytes, True)
    assert first + b"".join(pieces) == data


def test_an_image_is_kept_once(blobs):
    blobs.put_image(SHA, b"first")
    blobs.put_image(SHA, b"never written: the name is the content's own hash")
    assert blobs.get_image(SHA) == b"first"


def test_a_missing_image_is_said_with_its_remedy_and_without_its_hash(blobs):
    with pytest.raises(NotFound, match=r"^The image is not .* Send the file again\.$"):
        blobs.get_image(SHA)
    with pytest.raises(NotFound, match=r"^The image is not .* Send the file again\.$"):
        blobs.image_pieces(SHA)


def test_a_folder_that_cannot_be_written_is_unavailable_and_the_log_alone_says_where(tmp_path, caplog):
    (tmp_path / "images").write_text("a file where the folder should be")
    with pytest.raises(Unavailable) as caught:
        BlobStore(tmp_path.as_uri(), patience_s=0).put_image(SHA, b"x")
    assert str(tmp_path) not in caught.value.message
    assert f"The blob store {tmp_path.as_uri()} does not answer: " in caplog.text


@pytest.mark.parametrize(
    "url", ["what://me:secret@bucket", "s3://me:secret@[/?key=secret", "az://b?sig=secret"]
)
def test_keys_in_an_address_are_never_shown(url, caplog):
    try:
        store = BlobStore(url, patience_s=0)
    except BadSetting as error:
        assert "secret" not in str(error)
    else:
        with pytest.raises(Unavailable) as caught:
            store.ping()
        assert "secret" not in caught.value.message + caplog.text


def test_objects_are_listed_by_folder_and_behind_a_path(blobs):
    for path in ("a/1/x", "a/2", "a/3", "ab/4"):
        blobs.put(path, b"x")
    assert sorted(blobs.list("a")) == ["a/1/x", "a/2", "a/3"]
    assert sorted(blobs.list("a", after="a/2")) == ["a/3"]
    assert list(blobs.list("nothing")) == []
    assert blobs.list_folders("a") == ["a/1"]
    assert blobs.list_folders("nothing") == []


def test_an_object_that_is_written_again_is_replaced(blobs):
    blobs.put("a", b"first")
    blobs.put("a", b"second")
    assert blobs.get("a") == b"second"


def test_more_objects_than_fit_into_one_call_are_deleted_whether_they_are_there_or_not(blobs, tmp_path):
    there = [f"many/{n % 7}/{n}" for n in range(1100)]
    for path in there:
        blobs.put(path, b"x")
    blobs.put("kept/one", b"x")
    blobs.delete(path for n, path in enumerate(there) for path in (path, f"absent/{n}"))
    assert list(blobs.list("")) == ["kept/one"]
    assert [path.name for path in (tmp_path / "my blobs é").iterdir()] == ["kept"]
    blobs.delete([])


def test_images_are_deleted_by_their_hash(blobs):
    blobs.put_image(SHA, b"x")
    blobs.delete_images([SHA, "ab" * 32])
    with pytest.raises(NotFound):
        blobs.get_image(SHA)


def test_an_address_of_an_unknown_kind_is_refused():
    with pytest.raises(BadSetting, match=r"EVA01_BLOBS='ftp://x'"):
        BlobStore("ftp://x")


class FlakyBucket(ThreadingHTTPServer):
    """A small object store that speaks S3's HEAD, GET and PUT, and fails the next `failures` calls."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FlakyRequest)
        self.objects: dict[str, bytes] = {}
        self.failures = 0
        self.calls = 0


class _FlakyRequest(BaseHTTPRequestHandler):
    server: FlakyBucket
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._fails():
            self.server.objects[self.path] = body
            self._reply(200)

    def do_GET(self) -> None:
        if not self._fails():
            found = self.server.objects.get(self.path)
            self._reply(404) if found is None else self._reply(200, found)

    do_HEAD = do_GET

    def _fails(self) -> bool:
        self.server.calls += 1
        if self.server.failures:
            self.server.failures -= 1
            self._reply(503)
            return True
        return False

    def _reply(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 05 Jan 2026 10:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def bucket(monkeypatch) -> Iterator[FlakyBucket]:
    server = FlakyBucket()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with Serving(server):
        yield server


def counted(operation: str, outcome: str) -> float:
    return BLOB_OPERATIONS.labels(operation, outcome)._value.get()


def test_a_bucket_that_fails_twice_is_asked_again_and_the_file_sent_from_its_beginning(bucket):
    pauses_s: list[float] = []
    blobs = BlobStore("s3://photos/eva01", sleep=pauses_s.append)
    before = counted("put", "retried")
    bucket.failures = 2
    blobs.put_image(SHA, BytesIO(b"an image"))
    assert list(bucket.objects.values()) == [b"an image"]
    assert len(pauses_s) == 2
    assert pauses_s[0] < pauses_s[1]
    assert counted("put", "retried") == before + 1
    assert blobs.get_image(SHA) == b"an image"


class Slept:
    """A clock that goes on while somebody sleeps, and stands still otherwise."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_a_bucket_that_keeps_failing_ends_our_patience(bucket, caplog, monkeypatch):
    before = counted("get", "exhausted")
    bucket.failures = 1000
    clock = Slept()
    monkeypatch.setattr("jobs.storage.files.blobs.time", clock)
    with pytest.raises(Unavailable) as caught:
        BlobStore("s3://photos", patience_s=0.5, sleep=clock.sleep).get_image(SHA)
    assert caught.value.code.is_retryable
    assert "photos" not in caught.value.message
    assert "The blob store s3://photos does not answer: " in caplog.text
    assert 1 < bucket.calls < 1000
    assert counted("get", "exhausted") == before + 1


def test_an_image_that_is_not_there_is_not_asked_for_again(bucket):
    with pytest.raises(NotFound):
        BlobStore("s3://photos").get_image(SHA)
    assert bucket.calls == 1
