"""The entries of a zip, honest and hostile."""

import io
import zipfile
from typing import Any

import pytest

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from tests import hostile
from web.intake.spool import Part, Spool
from web.intake.zips import Entry, entry_groups, is_zip


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path)
    yield spool
    spool.close()


def spooled(spool: Spool, data: bytes) -> Part:
    part = spool.new_part()
    part.write(data)
    return part


@pytest.fixture
def unpack(spool, tmp_path):
    """Path and content, or path and code, of each entry of a zip."""

    def unpack(data: bytes, **limits: Any) -> list[tuple[str, bytes | str]]:
        groups = entry_groups(spooled(spool, data), Limits(**limits), tmp_path)
        return [(entry.path, found_in(entry)) for entries in groups for entry in entries]

    return unpack


def found_in(entry: Entry) -> bytes | str:
    """Its content, or the code of its error."""
    if entry.error:
        return entry.error.code
    assert entry.content is not None
    return entry.content.read()


def refusal(call, *args, **limits) -> str:
    with pytest.raises(BadInput) as refused:
        call(*args, **limits)
    return refused.value.code


def test_folders_become_relative_paths(unpack):
    data = hostile.zipped({"a/": b"", "a/b/c.png": b"1", "名前.png": b"2", hostile.NAME: b"3"})
    assert unpack(data) == [("a/b/c.png", b"1"), ("名前.png", b"2"), (hostile.NAME, b"3")]


def test_litter_is_passed_over(unpack):
    data = hostile.zipped({"__MACOSX/._a.png": b"1", ".DS_Store": b"2", "a.png": b"3"})
    assert unpack(data) == [("a.png", b"3")]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\a", "C:\\a"])
def test_a_path_out_of_the_zip_is_refused_and_the_others_go_on(unpack, name, tmp_path):
    found = unpack(hostile.zipped({name: b"1", "a.png": b"2"}))
    assert [content for _, content in found] == ["unsafe_path", b"2"]
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_refused(unpack):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(*hostile.link("a.png", "/etc/passwd"))
    assert unpack(file.getvalue()) == [("a.png", "unsafe_path")]


def test_an_encrypted_entry_is_refused(unpack):
    data = bytearray(hostile.zipped({"a.png": b"1"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert unpack(bytes(data)) == [("a.png", "encrypted_entry")]


def test_a_bomb_stops_at_the_limit_and_the_entries_before_it_stay(spool, tmp_path):
    data = hostile.zipped({"a.png": b"1", "bomb.png": b"\0" * 10_000_000, "b.png": b"2"})
    taken: list[str] = []

    def take_all():
        for entries in entry_groups(spooled(spool, data), Limits(max_zip_bytes=1_000_000), tmp_path):
            taken.extend(entry.path for entry in entries)

    assert refusal(take_all) == "zip_too_large"
    assert taken == ["a.png"]


def test_an_entry_that_lies_about_its_size_is_measured(unpack):
    data = bytearray(hostile.zipped({"a.png": b"\0" * 5_000_000, "b.png": b"2"}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = (5).to_bytes(4, "little")
    found = unpack(bytes(data), max_zip_entry_bytes=1_000_000)
    assert found[0][1] in ("image_too_large", "bad_zip_entry")
    assert found[1] == ("b.png", b"2")


def test_an_entry_over_its_limit_is_refused_and_the_others_go_on(unpack):
    data = hostile.zipped({"a.png": b"\0" * 5_000_000, "b.png": b"2"})
    found = unpack(data, max_zip_entry_bytes=1_000_000)
    assert found == [("a.png", "image_too_large"), ("b.png", b"2")]


def test_a_damaged_entry_is_refused_and_the_others_go_on(unpack):
    data = hostile.zipped({"a.png": b"123456", "b.png": b"2"}, zipfile.ZIP_STORED)
    assert unpack(data.replace(b"123456", b"123457")) == [("a.png", "bad_zip_entry"), ("b.png", b"2")]


def test_entries_of_several_groups_come_in_their_order(unpack):
    files = {f"{n:03}.png": str(n).encode() for n in range(150)}
    assert unpack(hostile.zipped(files)) == list(files.items())


def test_too_many_entries_refuse_the_zip(unpack):
    data = hostile.zipped({f"{n}.png": b"1" for n in range(11)})
    assert refusal(unpack, data, max_zip_entries=10) == "too_many_entries"


def test_a_directory_that_would_fill_the_memory_is_not_read(unpack):
    data = hostile.zipped({f"{n:03}" + "x" * 60_000: b"" for n in range(40)})
    assert refusal(unpack, data, max_zip_entries=1) == "too_many_entries"


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 500, b"hello"])
def test_what_is_no_zip_is_refused(unpack, data):
    assert refusal(unpack, data) == "bad_zip"


def test_an_empty_zip_says_so(unpack):
    assert refusal(unpack, hostile.zipped({})) == "empty_zip"


def test_a_name_in_utf8_is_read_also_when_the_zip_does_not_say_so(unpack):
    data = hostile.zipped({"名.png": b"1"})
    marked = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        marked[marked.index(signature) + offset] &= ~0x08
    assert unpack(bytes(marked)) == [("名.png", b"1")]


def test_a_zip_is_known_by_its_content(spool):
    assert is_zip(spooled(spool, hostile.zipped({})))
    assert not is_zip(spooled(spool, b"hello"))


def test_parts_of_a_spool_do_not_touch(spool):
    first = spooled(spool, b"one")
    second = spool.new_part(keep_bytes=2)
    second.write(b"two")
    third = spooled(spool, b"three")
    assert [part.read() for part in (first, second, third)] == [b"one", b"tw", b"three"]
    assert second.size_bytes == 3
    assert third.seek(-2, io.SEEK_END) == 3
    assert third.read(10) == b"ee"
