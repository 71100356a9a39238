"""The entries of a zip, honest and hostile."""

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from jobs.contract.settings import Limits
from scripts.fuzzing import costly
from tests.files import hostile
from tests.files.hostile import RawEntry
from web.intake.grouping import Wanted
from web.intake.outcomes import PassedOver
from web.intake.spool import Part, Spool
from web.intake.zips.archives import Archive
from web.intake.zips.entries import Entry, entry_groups, is_zip


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
        groups = entry_groups(spooled(spool, data), Limits(**limits), tmp_path, PassedOver(), lambda: None)
        return [(entry.path, found_in(entry)) for entry in entries_of(groups)]

    return unpack


def entries_of(groups: Iterator[list[Wanted[Entry]]]) -> Iterator[Entry]:
    """The entries one by one, while their content lasts."""
    return (entry for jobs in groups for job in jobs for entry in job.files)


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


def test_a_bomb_is_refused_by_what_it_promises_and_the_others_go_on(unpack):
    data = hostile.zipped({"a.png": b"1", "bomb.png": b"\0" * 10_000_000, "b.png": b"2"})
    assert unpack(data, max_zip_bytes=1_000_000) == [
        ("a.png", b"1"),
        ("bomb.png", "zip_too_large"),
        ("b.png", b"2"),
    ]


def test_a_zip_may_unpack_to_some_times_its_size(unpack, monkeypatch):
    monkeypatch.setattr("web.intake.zips.entries._ANY_BYTES", 1000)
    data = hostile.zipped({f"{n}.bmp": bytes(100_000) for n in range(3)})
    assert [found for _, found in unpack(data)] == ["zip_too_large"] * 3
    assert {found for _, found in unpack(data, max_zip_ratio=1000)} == {bytes(100_000)}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_what_is_packed_in_any_way_is_unpacked(unpack, method):
    files = {"a": bytes(1_200_000), "b": random.Random(1).randbytes(70_000), "c": b"", "d": b"1"}
    assert unpack(hostile.zipped(files, method)) == list(files.items())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_to_more_than_it_says_is_not_unpacked_further(spool, method):
    packed = hostile.zipped({"a.bmp": bytes(3_000_000)}, method)
    with Archive(spooled(spool, packed), 1) as archive:
        (info,) = archive.infolist()
        info.file_size = 10
        with pytest.raises(zipfile.BadZipFile, match="more than the zip says"):
            for piece in archive.pieces_of(info):
                assert len(piece) <= 1024 * 1024


def test_a_window_of_lzma_is_no_larger_than_the_content(unpack):
    assert unpack(costly.zip_of_lzma(0.01)) == [("0.bmp", b"BM" + bytes(400_000))]


def test_entries_of_the_same_bytes_are_refused_but_the_first(unpack):
    found = [one for _, one in unpack(costly.zip_of_one(0.001))]
    assert found == [b"BM" + bytes(49_000), *["bad_zip_entry"] * 3]


def test_an_entry_that_holds_another_is_refused(unpack):
    inner = hostile.raw_zip([RawEntry(b"b.png", b"2")])
    data = bytearray(hostile.raw_zip([RawEntry(b"a.png", inner), RawEntry(b"b.png", b"2")]))
    place = data.index(b"PK\x01\x02", data.rindex(b"PK\x01\x02") - 100)
    second = data.rindex(b"PK\x01\x02")
    assert place < second
    data[second + 42 : second + 46] = data.index(b"PK\x03\x04", 10).to_bytes(4, "little")
    assert unpack(bytes(data)) == [("a.png", "bad_zip_entry"), ("b.png", b"2")]


def test_a_directory_of_too_many_heads_is_not_read_further(unpack):
    assert refusal(unpack, hostile.raw_zip([RawEntry(b"")] * 200), max_zip_entries=100) == "too_many_entries"


def test_an_entry_of_thousands_of_extra_fields_refuses_the_zip(unpack):
    assert refusal(unpack, costly.zip_of_extras(0.01)) == "bad_zip"


def test_a_zip_of_the_tests_is_the_same_whenever_it_is_made():
    with zipfile.ZipFile(io.BytesIO(hostile.zipped({"a.png": b"1", "b/": b""}))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def patience(looks: int) -> Callable[[], None]:
    """Raises at the look behind so many."""
    left = iter(range(looks))

    def check() -> None:
        if next(left, None) is None:
            raise TooLarge("No more.", code=Code.REQUEST_TOO_COSTLY)

    return check


def test_entries_are_refused_one_by_one_when_time_is_spent(spool, tmp_path):
    data = hostile.zipped({f"{n}.png": b"1" for n in range(5)}, zipfile.ZIP_STORED)
    groups = entry_groups(spooled(spool, data), Limits(), tmp_path, PassedOver(), patience(5))
    found = [found_in(entry) for entry in entries_of(groups)]
    assert found == [b"1", b"1", *["request_too_costly"] * 3]


def test_what_is_left_of_a_zip_when_time_is_spent_is_refused_as_one(spool, tmp_path):
    data = hostile.zipped({f"{n}.png": b"1" for n in range(1000)}, zipfile.ZIP_STORED)
    groups = entry_groups(spooled(spool, data), Limits(), tmp_path, PassedOver(), patience(601))
    found: list[bytes | str] = []
    with pytest.raises(TooLarge) as raised:
        for entry in entries_of(groups):
            found.append(found_in(entry))
    assert found == [b"1"] * 299 + ["request_too_costly"] * 201
    assert raised.value.code == Code.REQUEST_TOO_COSTLY
    assert raised.value.message == "500 files of the zip, from 500.png on, were not looked at. No more."


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


# Names


def folder_of(unpack, *entries: RawEntry) -> list[str]:
    return [path for path, _ in unpack(hostile.raw_zip(entries))]


def named(text: str, encoding: str = "cp437", **more: Any) -> RawEntry:
    return RawEntry(text.encode(encoding), b"1", **more)


def test_a_second_byte_of_0x5c_is_no_separator(unpack):
    for encoding, names in {
        "cp932": ["表.png", "日程表/ソ.png"],
        "gbk": ["參謀.png", "照片/謀略.png"],
    }.items():
        assert folder_of(unpack, *(named(name, encoding) for name in names)) == names


def test_names_packed_on_a_chinese_windows_are_read(unpack):
    names = ["照片/发票一.png", "照片/发票二.png"]
    assert folder_of(unpack, *(named(name, "gbk") for name in names)) == names


def test_a_backslash_of_windows_separates_and_one_of_unix_beside_slashes_does_not(unpack):
    assert folder_of(unpack, named("a\\b.png"), named("c/d.png")) == ["a/b.png", "c/d.png"]
    unix = 3 << 8
    assert folder_of(unpack, named("a\\b.png", made_by=unix), named("c/d.png", made_by=unix)) == [
        "a\\b.png",
        "c/d.png",
    ]
    assert folder_of(unpack, named("a\\b.png", made_by=unix)) == ["a/b.png"]
    assert folder_of(unpack, named("照片\\表.png", "gbk")) == ["照片/表.png"]


def test_the_unicode_path_field_comes_before_any_guess(unpack):
    raw = b"h\x81tte.png"
    assert folder_of(unpack, RawEntry(raw, b"1", extra=hostile.unicode_path(raw, "小屋.png"))) == ["小屋.png"]
    other = b"\x02\x00\x02\x00ab" + hostile.unicode_path(raw, "小屋.png")
    assert folder_of(unpack, RawEntry(raw, b"1", extra=other)) == ["小屋.png"]


@pytest.mark.parametrize(
    "field",
    [
        hostile.unicode_path(b"another name", "小屋.png"),
        b"\x75\x70\x03\x00\x01ab",
        hostile.unicode_path(b"h\x81tte.png", "")[:-1] + b"\x00",
        b"\x75\x70\x06\x00\x01" + b"\x00" * 4 + b"\xff",
    ],
)
def test_a_unicode_path_field_of_another_name_or_a_broken_one_is_not_believed(unpack, field):
    assert folder_of(unpack, RawEntry(b"h\x81tte.png", b"1", extra=field)) == ["hütte.png"]


def test_folders_are_told_by_their_last_letter_or_their_attribute_and_only_when_they_hold_nothing(unpack):
    folders = [
        RawEntry(b"a/"),
        RawEntry(b"a\\"),
        RawEntry("照片\\".encode("gbk")),
        RawEntry(b"b", attributes=0x10),
        RawEntry(b"c", attributes=0o040755 << 16, made_by=3 << 8),
    ]
    files = [named("a\\1.png"), named("strange/"), named("d", attributes=0x10)]
    assert folder_of(unpack, *folders, *files) == ["a/1.png", "strange", "d"]


def test_a_name_ends_at_a_zero_and_an_empty_one_is_unnamed(unpack):
    assert folder_of(unpack, named("a.png\0.exe"), named(""), named("\0")) == ["a.png", "unnamed", "unnamed"]


def test_two_entries_of_one_path_are_both_read(unpack):
    entries = [RawEntry(b"a.png", b"1"), RawEntry(b"a.png", b"2")]
    assert unpack(hostile.raw_zip(entries)) == [("a.png", b"1"), ("a.png", b"2")]


def test_what_is_passed_over_is_counted_with_examples(spool, tmp_path):
    litter = {f"__MACOSX/._{n}.png": b"1" for n in range(9)} | {".IMG.jpg": b"2", ".thumbs/a.jpg": b"3"}
    passed_over = PassedOver()
    data = hostile.zipped(litter | {"a.png": b"4", "folder/": b"", "Thumbs.db": b"5"})
    groups = entry_groups(spooled(spool, data), Limits(), tmp_path, passed_over, lambda: None)
    assert [entry.path for entry in entries_of(groups)] == ["a.png"]
    assert (passed_over.count, passed_over.examples) == (12, [f"__MACOSX/._{n}.png" for n in range(5)])


def test_a_name_that_claims_to_be_utf8_and_is_not_costs_no_entry(unpack):
    utf8 = 0x800
    entries = [
        RawEntry("照片.png".encode("gbk"), b"1", flags=utf8),
        RawEntry("名.png".encode(), b"2", flags=utf8),
        RawEntry(b"c.png", b"3"),
    ]
    assert unpack(hostile.raw_zip(entries)) == [("照片.png", b"1"), ("名.png", b"2"), ("c.png", b"3")]


@pytest.mark.parametrize(
    "entry",
    [
        RawEntry("照片.png".encode(), b"1", flags=0x800, own_flags=0),
        RawEntry("照片.png".encode(), b"1", own_flags=0x800),
        RawEntry("照片.png".encode(), b"1", own_name=b"../other and longer.png"),
        RawEntry("照片.png".encode(), b"1", own_name="照片.png".encode("gbk"), own_flags=0x800),
    ],
)
def test_the_directory_says_what_an_entry_is_called_and_not_its_own_header(unpack, entry):
    found = unpack(hostile.raw_zip([entry, RawEntry(b"b.png", b"2")]))
    assert found == [("照片.png", b"1"), ("b.png", b"2")]


@pytest.mark.parametrize("flags", [0x20, 0x40])
def test_an_entry_in_a_way_of_packing_that_is_not_read_is_refused(unpack, flags):
    found = unpack(hostile.raw_zip([RawEntry(b"a.png", b"1", flags=flags), RawEntry(b"b.png", b"2")]))
    assert found == [("a.png", "bad_zip_entry"), ("b.png", b"2")]


@pytest.mark.parametrize("place", [1, 10**6])
def test_an_entry_that_is_not_where_the_directory_says_is_refused(unpack, place):
    data = bytearray(hostile.raw_zip([RawEntry(b"a.png", b"1"), RawEntry(b"b.png", b"2")]))
    start = data.index(b"PK\x01\x02") + 42
    data[start : start + 4] = place.to_bytes(4, "little")
    assert unpack(bytes(data)) == [("a.png", "bad_zip_entry"), ("b.png", b"2")]


def test_a_part_that_is_one_dot_hides_nothing(unpack):
    entries = {"photos/./a.png": b"1", "./b.png": b"2", "c//d.png": b"3"}
    assert unpack(hostile.zipped(entries)) == [("photos/a.png", b"1"), ("b.png", b"2"), ("c/d.png", b"3")]


def test_a_zip_of_nothing_but_hidden_files_says_what_they_are(unpack):
    with pytest.raises(BadInput, match=r"only hidden files .* such as \.IMG\.jpg") as refused:
        unpack(hostile.zipped({".IMG.jpg": b"1", "folder/": b""}))
    assert refused.value.code == "empty_zip"


@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        ({"extra": b"\x99\x99\xff\xff"}, b"2"),
        ({"extra": b"\x01\x00\xff\xff123"}, b"2"),
        ({"extra": b"\x55\x54\x01\x00a\x75\x70\x50\x00a"}, b"2"),
        ({"version": 99}, b"2"),
        ({"version": 255, "method": 200}, "bad_zip_entry"),
        ({"said_size": 0xFFFFFFFF, "extra": b"\x01\x00\x04\x00abcd"}, "image_too_large"),
    ],
)
def test_an_odd_entry_costs_the_others_nothing(unpack, odd, outcome):
    entries = [RawEntry(b"a.png", b"1"), RawEntry(b"b.png", b"2", **odd), RawEntry(b"c.png", b"3")]
    assert unpack(hostile.raw_zip(entries)) == [("a.png", b"1"), ("b.png", outcome), ("c.png", b"3")]
