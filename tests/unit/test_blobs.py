"""Images in a folder: stored once, found again, and clear errors."""

import pytest

from jobs.blobs import BlobStore
from jobs.errors import NotFound, Unavailable
from jobs.settings import BadSetting

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


def test_an_image_is_kept_once(blobs):
    blobs.put_image(SHA, b"first")
    blobs.put_image(SHA, b"never written: the name is the content's own hash")
    assert blobs.get_image(SHA) == b"first"


def test_a_missing_image_is_named_with_its_remedy(blobs):
    with pytest.raises(NotFound, match=f"{SHA}.*Send the file again"):
        blobs.get_image(SHA)


def test_a_folder_that_cannot_be_written_is_unavailable_and_says_where(tmp_path):
    (tmp_path / "images").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=str(tmp_path)):
        BlobStore(tmp_path.as_uri()).put_image(SHA, b"x")


def test_an_address_of_an_unknown_kind_is_refused():
    with pytest.raises(BadSetting, match=r"EVA01_BLOBS='ftp://x'"):
        BlobStore("ftp://x")
