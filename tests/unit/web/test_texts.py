"""The zip of answers: every path is safe and unique, every answer is complete, and it is streamed."""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.models import FinishReason, Job, JobError, JobState, Usage
from web.export.texts import text_zip
from web.intake.names.paths import is_unsafe


def answered(file: str, answer: str = "red") -> Job:
    return Job(file=file, question="What?", model="nano", state=JobState.SUCCEEDED, answer=answer)


def unpacked(jobs: Iterable[Job], folder) -> dict[str, bytes]:
    """The entries of the zip; it is checked for damage."""
    with zipfile.ZipFile(io.BytesIO(b"".join(text_zip((job.public() for job in jobs), folder)))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        return {name: archive.read(name) for name in names}


def test_an_answer_lies_where_its_image_lay(tmp_path):
    jobs = [answered("a/b.jpg", "red ☀️\r\n"), answered("名前/c.png", "圆"), answered("c.png")]
    assert unpacked(jobs, tmp_path) == {
        "a/b.jpg.txt": "red ☀️\r\n".encode(),
        "名前/c.png.txt": "圆".encode(),
        "c.png.txt": b"red",
    }


def test_answers_that_are_cut_short_are_listed(tmp_path):
    cut = answered("a/b.jpg", "red and").model_copy(
        update={"finish_reason": FinishReason.LENGTH, "usage": Usage(output_tokens=3)}
    )
    whole = answered("c.png").model_copy(update={"finish_reason": FinishReason.STOP})
    entries = unpacked([cut, whole, answered("of version 0.1.0.png")], tmp_path)
    assert entries["a/b.jpg.txt"] == b"red and"
    assert entries["cut_short.csv"].decode() == f"file,output_tokens,id\r\na/b.jpg,3,{cut.id}\r\n"
    assert "cut_short.csv" not in unpacked([whole], tmp_path)


def test_what_failed_by_being_cut_is_listed_with_what_was_said(tmp_path):
    error = JobError(code="incomplete_answer", message='It was cut. It said: {"total": 12.')
    failed = Job(file="a.png", question="", model="nano", state=JobState.FAILED, error=error)
    failed = failed.model_copy(update={"finish_reason": FinishReason.LENGTH, "usage": Usage(output_tokens=7)})
    entries = unpacked([failed], tmp_path)
    assert entries["cut_short.csv"].decode() == f"file,output_tokens,id\r\na.png,7,{failed.id}\r\n"
    (row,) = csv.DictReader(io.StringIO(entries["errors.csv"].decode(), newline=""))
    assert row["error_message"] == error.message


@pytest.mark.parametrize(
    ("file", "entry"),
    [
        ("../../etc/passwd", "etc/passwd.txt"),
        ("/etc/passwd", "etc/passwd.txt"),
        ("C:\\windows\\a.png", "C_/windows/a.png.txt"),
        ("a/./b//c.png", "a/b/c.png.txt"),
        ("a\x00\nb.png", "a_b.png.txt"),
        ('<img src="x">.png', "_img src=_x_.png.txt"),
        ("a./b. /c...", "a/b/c.txt"),
        ("..", "unnamed.txt"),
        ("", "unnamed.txt"),
    ],
)
def test_a_path_that_is_none_everywhere_is_made_one(tmp_path, file, entry):
    assert list(unpacked([answered(file)], tmp_path)) == [entry]


def test_names_that_would_fall_together_get_a_number(tmp_path):
    files = ["a.png", "A.PNG", "a.png ", "./a.png", "a.png (2)"]
    entries = unpacked([answered(file, str(place)) for place, file in enumerate(files)], tmp_path)
    assert sorted(entries.values()) == [b"0", b"1", b"2", b"3", b"4"]
    assert entries["a.png.txt"] == b"0"


def test_a_long_name_is_cut_and_stays_its_own(tmp_path):
    one, other = unpacked([answered("名" * 300 + end) for end in ("a.png", "b.png")], tmp_path)
    assert len(one.encode()) <= 220
    assert one != other


def test_what_has_no_answer_is_listed_with_its_reason(tmp_path):
    error = JobError(code="not_an_image", message="It is none.")
    failed = Job(file="=b.png", question="", model="nano", state=JobState.FAILED, error=error)
    waiting = Job(file="c.png", question="", model="nano")
    entries = unpacked([answered("errors.csv"), failed, waiting], tmp_path)
    rows = list(csv.DictReader(io.StringIO(entries["errors.csv"].decode(), newline="")))
    assert set(entries) == {"errors.csv.txt", "errors.csv"}
    assert [(row["file"], row["state"], row["error_code"]) for row in rows] == [
        ("'=b.png", "failed", "not_an_image"),
        ("c.png", "queued", ""),
    ]


def test_an_empty_batch_is_an_empty_zip(tmp_path):
    assert unpacked([], tmp_path) == {}


def test_many_errors_leave_no_file_behind(tmp_path):
    error = JobError(code="x", message="y" * 1000)
    jobs = [
        Job(file=f"{n}", question="", model="nano", state=JobState.FAILED, error=error) for n in range(2000)
    ]
    rows = list(csv.reader(io.StringIO(unpacked(jobs, tmp_path)["errors.csv"].decode(), newline="")))
    assert len(rows) == 2001
    assert list(tmp_path.iterdir()) == []


def test_it_is_sent_while_it_is_packed(tmp_path):
    asked = 0

    def jobs() -> Iterable[Job]:
        nonlocal asked
        for number in range(5000):
            asked += 1
            yield answered(f"{number}.png", f"{number} {hash(str(number))}" * 5)

    packed = text_zip((job.public() for job in jobs()), tmp_path)
    next(iter(packed))
    assert asked < 5000


@given(st.lists(st.text(max_size=40), max_size=8))
def test_whatever_the_names_are_each_answer_has_a_safe_one(tmp_path_factory, files):
    entries = unpacked([answered(file) for file in files], tmp_path_factory.mktemp("spool"))
    assert len(entries) == len(files)
    assert not any(is_unsafe(name) for name in entries)


@pytest.mark.parametrize(
    ("files", "entries"),
    [
        # A file and a folder of one name, whichever comes first.
        (["scan", "scan.txt/page.png"], ["scan.txt", "scan.txt (2)/page.png.txt"]),
        (["scan.txt/page.png", "scan"], ["scan.txt/page.png.txt", "scan (2).txt"]),
        (
            ["b", "B.txt/1", "b.TXT/2", "b.txt (2)"],
            ["b.txt", "B.txt (2)/1.txt", "b.TXT (2)/2.txt", "b.txt (2).txt"],
        ),
        (["errors.csv/x.png"], ["errors.csv (2)/x.png.txt"]),
        # One name in two forms of Unicode.
        (["lat\u0308t.png", "l\u00e4t.png"], None),
        (["caf\u00e9/a", "cafe\u0301.txt", "cafe\u0301"], None),
        (["STRASSE", "Stra\u00dfe"], None),
        # What Windows makes one of, or takes for a device.
        (["a.", "a", "a. ", "a . ."], ["a.txt", "a (2).txt", "a (3).txt", "a (4).txt"]),
        (["d./1", "d/1"], ["d/1.txt", "d/1 (2).txt"]),
        (["CON", "_con", "nul.png", "COM1.tar/x"], None),
        (["Lpt\u00b9", "conin$", "aux .png"], None),
    ],
)
def test_names_that_fall_together_somewhere_get_a_number(tmp_path, files, entries):
    found = list(unpacked([answered(file) for file in files], tmp_path))
    assert len(found) == len(files)
    assert entries in (None, found)
    assert_unpacks_everywhere(found)


@given(st.lists(st.sampled_from(["a", "A", "a.txt", "a.txt.txt", "CON", "a (2)", "\u00e4", "a\u0308", "."])))
def test_parts_alike_never_make_a_file_of_a_folder(tmp_path_factory, parts):
    files = ["/".join(parts[place : place + 3]) for place in range(len(parts))]
    found = list(unpacked([answered(file) for file in files], tmp_path_factory.mktemp("spool")))
    assert len(found) == len(files)
    assert_unpacks_everywhere(found)


def assert_unpacks_everywhere(names: list[str]) -> None:
    """No two are one file on some system, none is a folder as well, and Windows knows none as a device."""
    one_form = [unicodedata.normalize("NFC", name.casefold()) for name in names]
    folders = {name[:place] for name in one_form for place, sign in enumerate(name) if sign == "/"}
    assert len(set(one_form)) == len(names)
    assert not folders & set(one_form)
    devices = {"con", "prn", "aux", "nul", "conin$", "com1", "lpt\u00b9"}
    for part in (part for name in one_form for part in name.split("/")):
        assert part.split(".")[0].rstrip() not in devices
        assert part == part.rstrip(" .")


def test_many_files_of_one_name_are_numbered_at_once(tmp_path):
    """Each would else try every number before it: here twelve million."""
    found = list(unpacked([answered("a" + "?" * number) for number in range(1, 5001)], tmp_path))
    assert found[-1] == "a_ (5000).txt"
