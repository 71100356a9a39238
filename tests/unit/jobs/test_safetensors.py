"""Weights as safetensors, from their headers and their index."""

import json
from pathlib import Path

import pytest

from jobs.formats.safetensors import INDEX, HeaderCut, Tensor, header_of, indexed_files

TENSORS = {
    "__metadata__": {"format": "pt"},
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "U8", "shape": [], "data_offsets": [24, 25]},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def write(file: Path, header: bytes) -> None:
    file.write_bytes(len(header).to_bytes(8, "little") + header)


def test_a_header_says_which_tensors_there_are_and_how_long_the_file_is(file):
    write(file, text := json.dumps(TENSORS).encode())
    header = header_of(file)
    assert header.tensors == [Tensor("F32", 6, 0, 24), Tensor("U8", 1, 24, 25)]
    assert header.tensors[1].size_bytes == 1
    assert header.file_bytes == 8 + len(text) + 25


def test_a_file_that_ends_in_its_header_says_how_much_it_lacks(file):
    write(file, text := json.dumps(TENSORS).encode())
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(HeaderCut) as cut:
        header_of(file)
    assert cut.value.needed_bytes == 8 + len(text)


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b'{"a": 7}', b'{"a": {"data_offsets": [0]}}'])
def test_what_is_no_header_is_refused(file, header):
    write(file, header)
    with pytest.raises(ValueError, match=r"."):
        header_of(file)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": []}', "{}"])
def test_what_is_no_index_names_no_file(tmp_path, index):
    (tmp_path / INDEX).write_text(index)
    assert indexed_files(tmp_path) == set()


def test_an_index_names_each_file_once(tmp_path):
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"a": "1", "b": "2", "c": "1"}}))
    assert indexed_files(tmp_path) == {"1", "2"}
