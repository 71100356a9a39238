"""Paths of files in a batch stay as given, and never point outside of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, Headers

from tests.files import hostile
from web.intake.names.paths import is_litter, is_unsafe, normalise, sent_path, shortened


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        ("./a.png", "a.png"),
        ("/a.png", "a.png"),
        ("././/a.png", "a.png"),
        ("a/./b.png", "a/b.png"),
        ("a//b.png", "a/b.png"),
        ("a/", "a"),
        (".", "unnamed"),
        ("../a.png", "../a.png"),
        (".hidden.png", ".hidden.png"),
        ("", "unnamed"),
        ("/", "unnamed"),
        (" a .png", " a .png"),
        ("a\ud800.png", "a?.png"),
        (hostile.NAME, hostile.NAME),
    ],
)
def test_a_path_is_normalised_and_otherwise_kept(name, path):
    assert normalise(name) == path


@given(st.text())
def test_normalising_twice_changes_nothing(name):
    once = normalise(name)
    assert normalise(once) == once
    assert once.encode()


@pytest.mark.parametrize("name", ["../a", "a/../b", "/a", "\\a", "C:\\a", "c:a", "..\\a", "a\\..\\b"])
def test_a_name_that_leaves_its_zip_is_unsafe(name):
    assert is_unsafe(name)


@pytest.mark.parametrize("name", ["a", "a/b", "a..b", "..a/b", "a/b..", hostile.NAME])
def test_a_name_that_stays_in_its_zip_is_safe(name):
    assert not is_unsafe(name)


def test_what_file_managers_leave_is_litter():
    for path in ("__MACOSX/a.png", "a/.DS_Store", ".git/a.png", "a/Thumbs.db", "THUMBS.DB", "a/Desktop.ini"):
        assert is_litter(path)
    assert not is_litter("a/b.png")


def test_a_long_path_is_shortened_to_one_that_stands_for_it_alone():
    one, other = "a" * 100 + "1", "a" * 100 + "2"
    assert shortened("short", 50) == "short"
    assert len(shortened(one, 50)) == 50
    assert shortened(one, 50) != shortened(other, 50)
    assert len(shortened(one, 5)) == 5


def test_a_newline_as_browsers_write_it_is_a_newline():
    plain = {"Content-Disposition": 'form-data; name="files"; filename="a%0Ab"'}
    extended = {"Content-Disposition": "form-data; name=\"files\"; filename*=UTF-8''a%250Ab"}
    assert sent_path(FileStorage(filename="a%0Ab", headers=Headers(plain))) == "a\nb"
    assert sent_path(FileStorage(filename="a%0Ab", headers=Headers(extended))) == "a%0Ab"
