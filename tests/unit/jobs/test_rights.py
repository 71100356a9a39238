"""The data folder is its owner's alone; a folder of images of its own may be shared."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.contract.settings import Settings
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.rights import keep_private, private_folder


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def rights_below(folder: Path) -> set[str]:
    return {rights(path) for path in folder.rglob("*") if path.is_file()}


def test_a_new_data_folder_and_all_that_is_written_in_it_are_private(tmp_path):
    settings = Settings(data=tmp_path / "deep" / "data")
    assert keep_private(settings) == ""
    BlobStore(settings.blobs_url).put("images/ab/cd", b"image")
    spool = private_folder(settings, "tmp")
    for folder in (settings.data, spool, settings.data / "blobs", settings.data / "blobs" / "images"):
        assert rights(folder) == "0700"
    assert rights_below(settings.data) == {"0600"}
    assert keep_private(settings) == ""


def test_a_data_folder_that_was_open_is_closed_and_one_line_says_so(tmp_path):
    data = tmp_path / "data"
    settings = Settings(data=data)
    BlobStore(settings.blobs_url).put("images/ab", b"image")
    (data / "redis").mkdir(mode=0o755)
    (data / "redis" / "run.sh").touch(0o755)
    (data / "up.lock").touch(0o644)
    (data / "notes.txt").touch(0o644)
    assert (rights(data), rights_below(data / "blobs")) == ("0755", {"0644"})
    said = keep_private(settings)
    assert "was open to others (rights 0755)" in said
    assert "6 files and folders" in said
    assert "\n" not in said
    assert (rights(data), rights_below(data / "blobs")) == ("0700", {"0600"})
    assert (rights(data / "redis" / "run.sh"), rights(data / "up.lock")) == ("0700", "0600")
    assert rights(data / "notes.txt") == "0644", "what is not ours is left"
    assert keep_private(settings) == "", "said once"


def test_links_in_the_data_folder_lead_nowhere(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data / "logs", elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "file").touch(0o644)
    (data / "blobs").symlink_to(elsewhere)
    (data / "logs" / "link").symlink_to(elsewhere / "file")
    data.chmod(0o777)
    assert "was open" in keep_private(Settings(data=data))
    assert (rights(elsewhere), rights(elsewhere / "file")) == ("0755", "0644")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_left_and_said(tmp_path):
    os.chown(tmp_path, 12345, -1)
    tmp_path.chmod(0o755)
    assert "belongs to another user (id 12345, rights 0755)" in keep_private(Settings(data=tmp_path))
    assert rights(tmp_path) == "0755"


def test_everybodys_folder_is_left_and_said(tmp_path):
    tmp_path.chmod(0o1777)
    assert "is everybody's (rights 1777)" in keep_private(Settings(data=tmp_path))
    assert rights(tmp_path) == "1777"


@pytest.mark.parametrize("place", ["shared/blobs", "with%20blank/blobs"])
def test_a_folder_of_images_of_its_own_is_for_the_group_too(tmp_path, place):
    settings = Settings(data=tmp_path / "data", blobs=f"file://{tmp_path}/{place}")
    assert keep_private(settings) == ""
    BlobStore(settings.blobs_url).put("images/ab", b"image")
    (images,) = tmp_path.glob("*/blobs/images")
    assert (rights(images), rights(images / "ab")) == ("0770", "0660")
    assert rights(private_folder(settings, "tmp")) == rights(settings.data) == "0700"


def test_the_rights_of_a_folder_of_images_are_left_to_who_made_it(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    settings = Settings(data=tmp_path / "data", blobs=shared.as_uri())
    assert keep_private(settings) == ""
    BlobStore(settings.blobs_url).put("images/ab", b"image")
    assert (rights(shared), rights(shared / "images")) == ("2775", "2770")


def test_a_folder_of_images_in_the_data_folder_is_private(tmp_path):
    settings = Settings(data=tmp_path / "data", blobs=f"file://{tmp_path}/data/pictures")
    assert keep_private(settings) == ""
    BlobStore(settings.blobs_url).put("images/ab", b"image")
    assert rights_below(tmp_path / "data") == {"0600"}
