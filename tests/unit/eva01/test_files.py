"""Which files of a user are sent, under which names, in which requests."""

import os
import re
from io import BytesIO
from pathlib import Path

import pi_heif
import pytest
from PIL import Image

from eva01.client.address import Address
from eva01.client.errors import ClientError, FileUnreadable
from eva01.client.files import (
    IMAGE_ENDINGS,
    InputFile,
    Sendable,
    Together,
    files_in,
    find,
    name_of,
    together,
    valid_text,
    with_own_names,
)
from eva01.client.groups import GroupBy
from eva01.client.kinds import PICTURES, by_kind, in_words
from eva01.client.multipart import FilePart, Multipart
from eva01.client.uploads import CHUNK_BYTES, chunks
from jobs.formats.images import ENDINGS, FORMATS
from tests.files import pdfs

LIMITS_JS = Path(__file__).parents[3] / "web/pages/static/js/upload/limits.js"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(*inputs: Path) -> list[str]:
    return [file.name for file in find(inputs).files]


def test_a_folder_is_walked_in_order_and_names_are_relative_to_it(tmp_path):
    touch(tmp_path, "b.png", "a/2.JPG", "a/1.webp", "c/d/e.tiff")
    assert names(tmp_path) == ["b.png", "a/1.webp", "a/2.JPG", "c/d/e.tiff"]


def test_what_is_left_out_is_counted_by_kind(tmp_path):
    touch(tmp_path, "a.png", ".hidden.png", ".git/b.png", "notes.txt", "README", "more.zip")
    touch(tmp_path, "1.CR2", "2.nef", "a.MOV", "b.mp4", "c.avi", "s.psd", "m.mp3", "x.jxl")
    found = find([tmp_path])
    assert [file.name for file in found.files] == ["a.png"]
    assert in_words(found.left_out) == (
        "2 RAW photos, 1 Photoshop picture, 1 picture of another format, 2 hidden files and folders,"
        " 3 videos, 1 sound file, 1 zip and 2 other files"
    )
    assert by_kind(found.left_out)[PICTURES[1]] == ["1.CR2", "2.nef"]
    assert in_words(()) == ""


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
def test_a_file_with_an_images_ending_is_sent_in_capitals_too(tmp_path, ending):
    touch(tmp_path, f"a{ending}", f"b{ending.upper()}")
    assert names(tmp_path) == [f"a{ending}", f"b{ending.upper()}"]


def test_linked_folders_are_followed_once_and_circles_are_noticed(tmp_path):
    touch(tmp_path, "photos/sub/a.png", "album/b.png", "album/deep/c.png", "beside.png")
    photos = tmp_path / "photos"
    (photos / "album").symlink_to(tmp_path / "album")
    (photos / "twice").symlink_to(tmp_path / "album")
    (photos / "also").symlink_to(photos / "sub")
    (photos / "here").symlink_to(photos)
    (photos / "up").symlink_to("..")
    (tmp_path / "album" / "back").symlink_to(photos)
    found = find([photos])
    assert [file.name for file in found.files] == ["sub/a.png", "album/b.png", "album/deep/c.png"]
    assert sorted(one.name for one in found.left_out) == ["album/back", "also", "here", "twice", "up"]
    assert in_words(found.left_out) == "5 folders that are sent already"


def test_a_folder_that_lies_in_another_input_is_sent_once(tmp_path):
    touch(tmp_path, "one/a.png", "one/two/b.png")
    assert names(tmp_path / "one", tmp_path / "one" / "two") == ["one/a.png", "one/two/b.png"]


def test_what_is_no_file_is_left_out_and_keeps_nobody_waiting(tmp_path):
    touch(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    (tmp_path / "circle.png").symlink_to("circle.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    found = find([tmp_path])
    assert [file.name for file in found.files] == ["a.png"]
    assert in_words(found.left_out) == "2 broken links, 1 named pipe and 1 device"
    for name, kind in (("pipe.png", "1 named pipe"), ("gone.png", "1 broken link")):
        with pytest.raises(ClientError, match=kind):
            find([tmp_path / name])


def test_a_file_that_became_a_pipe_since_it_was_found_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    part = FilePart("files", "a.png", tmp_path / "a.png", 0)
    with pytest.raises(FileUnreadable, match="it is no file"):
        part.check()
    with pytest.raises(FileUnreadable, match="it is no file"):
        b"".join(Multipart([part]))


def test_names_that_are_the_same_as_text_are_told_apart(tmp_path):
    touch(tmp_path, "caf%E9.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).write_bytes(b"x")
    assert len(set(names(tmp_path))) == 2


def test_names_that_are_the_same_to_a_server_are_told_apart(tmp_path):
    touch(tmp_path, "back/slash.png", "back\\slash.png", "back\\other.png")
    assert sorted(names(tmp_path)) == ["back/slash (2).png", "back\\other.png", "back\\slash.png"]


def test_an_input_that_is_written_as_a_dot_has_its_folders_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name_of(Path()) == tmp_path.name


def test_a_file_named_by_the_user_is_sent_whatever_its_ending(tmp_path):
    touch(tmp_path, "scan", "photos.ZIP")
    found = find([tmp_path / "scan", tmp_path / "photos.ZIP"])
    assert [file.is_zip for file in found.files] == [False, True]


def test_files_of_several_folders_never_share_a_name(tmp_path):
    touch(tmp_path, "one/a.png", "two/a.png", "deep/one/a.png")
    assert names(tmp_path / "one", tmp_path / "two") == ["one/a.png", "two/a.png"]
    both = names(tmp_path / "one", tmp_path / "deep" / "one")
    assert both == ["one/a.png", "deep/one/a.png"]


def test_files_that_share_even_their_path_as_text_get_numbers_and_the_same_each_time(tmp_path):
    for raw in (b"caf\xe9.png", b"caf%E9.png"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_bytes(b"x")
    assert sorted(names(tmp_path)) == ["caf%E9 (2).png", "caf%E9.png"]
    assert names(tmp_path) == names(tmp_path)
    touch(tmp_path, "one/a.png", "two/a.png")
    files = [find([tmp_path / folder / "a.png"]).files[0] for folder in ("one", "two")]
    assert [file.name for file in files] == ["a.png", "a.png"]
    assert [file.name for file in with_own_names(files)] == ["one/a.png", "two/a.png"]


def test_files_that_share_a_name_are_called_by_their_paths_from_the_folder_above_them(tmp_path, monkeypatch):
    touch(tmp_path, "a/I.png", "b/I.png", "b/c/I.png", "b/other.png")
    monkeypatch.chdir(tmp_path)
    wanted = ["a/I.png", "b/I.png", "other.png"]
    assert names(Path("a/I.png"), Path("b/I.png"), Path("b/other.png")) == wanted
    monkeypatch.chdir(tmp_path / "a")
    assert names(Path("I.png"), Path("../b/I.png"), Path("../b/other.png")) == wanted
    assert names(tmp_path / "b" / "I.png", tmp_path / "b" / "c" / "I.png") == ["I.png", "c/I.png"]


def test_a_file_that_is_written_in_two_ways_is_sent_once(tmp_path):
    touch(tmp_path, "a/I.png")
    assert names(tmp_path / "a" / "I.png", tmp_path / "a" / ".." / "a" / "I.png") == ["I.png"]


def test_a_file_given_twice_is_sent_once(tmp_path):
    touch(tmp_path, "a.png")
    assert names(tmp_path / "a.png", tmp_path / "a.png") == ["a.png"]


def test_nothing_to_send_is_an_error_that_says_what_is_there(tmp_path):
    with pytest.raises(ClientError, match=r"Nothing to send in .* There: nothing\."):
        find([tmp_path])
    touch(tmp_path, "a.cr2", "b.cr2", "c.mp4")
    with pytest.raises(ClientError, match=r"There: 2 RAW photos and 1 video\. Save as JPEG"):
        find([tmp_path])
    with pytest.raises(ClientError, match="no such file"):
        find([tmp_path / "missing"])


def test_a_name_that_is_not_utf_8_is_made_valid_and_stays_different_from_others(tmp_path):
    for raw in (b"caf\xe9.png", b"caf\xe8.png"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_bytes(b"x")
    assert names(tmp_path) == ["caf%E8.png", "caf%E9.png"]
    assert valid_text("照片.png") == "照片.png"


def test_a_circle_of_links_between_folders_ends(tmp_path):
    touch(tmp_path, "a/a.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert names(tmp_path) == ["a/a.png"]


def test_what_lies_at_a_path_that_is_too_long_is_unreadable_and_the_rest_is_sent(tmp_path, monkeypatch):
    touch(tmp_path, "a.png", "deep/x")
    monkeypatch.chdir(tmp_path / "deep")
    for _ in range(45):
        Path("n" * 100).mkdir()
        os.chdir("n" * 100)
    found = find([tmp_path, tmp_path / ("m" * 300), tmp_path / ("l" * 300 + ".png")])
    assert [file.name for file in found.files] == [f"{tmp_path.name}/a.png"]
    assert [error.message.partition(" cannot be read: ")[2] for error in found.unreadable] == [
        "File name too long."
    ] * 3


def file(name: str, size_bytes: int) -> InputFile:
    return InputFile(Path(name), name, size_bytes)


def sizes(*files: Sendable) -> list[int]:
    return [len(chunk) for chunk in chunks(files)]


def test_requests_are_cut_by_count_and_by_size():
    assert sizes(*(file(f"{n}.png", 1) for n in range(130))) == [64, 64, 2]
    half = CHUNK_BYTES // 2 + 1
    assert sizes(file("a.png", half), file("b.png", half), file("c.png", 1)) == [1, 2]
    assert sizes(file("huge.png", 2 * CHUNK_BYTES), file("b.png", 1)) == [1, 1]
    assert sizes() == []


def test_a_zip_is_a_request_of_its_own():
    assert sizes(file("a.png", 1), file("b.zip", 1), file("c.zip", 1), file("d.png", 1)) == [1, 1, 1, 1]


def test_the_client_and_the_page_know_the_endings_that_a_server_does():
    endings = {ending for several in ENDINGS.values() for ending in several}
    assert set(ENDINGS) == set(FORMATS)
    assert {f".{ending}" for ending in endings} == IMAGE_ENDINGS
    (listed,) = re.findall(r"const IMAGE_ENDINGS = \[(.*?)\]", LIMITS_JS.read_text(), re.DOTALL)
    assert set(re.findall(r'"(\w+)"', listed)) == endings


def test_every_ending_that_pillow_gives_a_format_is_known():
    Image.init()
    pi_heif.register_heif_opener()
    formats = {"DIB": "BMP"} | {name: name for name in FORMATS}
    for ending, name in Image.EXTENSION.items():
        if name in formats:
            assert ending[1:] in ENDINGS[formats[name]]


def pictures() -> dict[str, bytes]:
    """A small picture in each format, as Pillow writes it."""
    Image.init()
    made = {}
    for name in set(FORMATS) - {"MPO", "HEIF", "PDF"}:
        file = BytesIO()
        Image.new("RGB", (16, 16), "red").save(file, name)
        made[name] = file.getvalue()
    box = b"ftypmif1\0\0\0\0mif1heic"
    return made | {"HEIF": (len(box) + 4).to_bytes(4, "big") + box, "PDF": pdfs.document()}


@pytest.mark.parametrize("name", ["scan", "scan.tf8", "scan.jpeg.bak", "scan.txt", "scan.jp2"])
def test_an_image_of_a_folder_is_known_by_how_it_begins(tmp_path, name):
    for kind, content in pictures().items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / name).write_bytes(content)
        assert names(folder) == [name], kind


def test_what_begins_otherwise_and_raw_photos_are_left_out(tmp_path):
    for name, content in {
        "notes": b"BMW, GIF, PNG: a text that is long enough to be a picture's header",
        "video": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
        "a.avi": b"RIFF\0\0\0\0AVI LIST",
        "empty": b"",
        "raw.nef": b"II*\0\x08\0\0\0",
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "ok.png").write_bytes(b"x")
    found = find([tmp_path])
    assert [file.name for file in found.files] == ["ok.png"]
    assert in_words(found.left_out) == "1 RAW photo, 1 video and 3 other files"


def test_files_of_one_job_stay_in_one_request():
    jobs = [Together(f"{n}", tuple(file(f"{n}/{page}.png", 1) for page in range(30))) for n in range(3)]
    assert sizes(*jobs) == [2, 1]
    large = Together("large", tuple(file(f"{page}.png", CHUNK_BYTES) for page in range(3)))
    assert sizes(large, file("b.png", 1)) == [1, 1]


def test_no_file_is_lost_where_some_go_together_and_zips_and_addresses_stay():
    files: list[Sendable] = [
        *(file(name, 1) for name in ("x/2.png", "a.zip", "y/1.png", "x/1.png")),
        Address("https://images.example.org/x/3.png"),
        file("b.png", 1),
    ]
    made = together(files, GroupBy.FOLDER, "all")
    assert [one.name for one in made] == ["x", "a.zip", "y", "images.example.org/x/3.png", "all"]
    assert [one.name for job in made for one in files_in(job)] == [
        *("x/1.png", "x/2.png", "a.zip", "y/1.png", "b.png")
    ]


def test_files_of_one_name_are_told_apart_wherever_they_are(tmp_path):
    one, other = (InputFile(tmp_path / folder / "a.png", "a.png", 1) for folder in ("x", "y"))
    (job, alone) = with_own_names([Together("both", (one, other)), one])
    names_ = [file.name for file in (*files_in(job), *files_in(alone))]
    assert names_[:2] == ["x/a.png", "y/a.png"]
    assert len(set(names_)) == 3
