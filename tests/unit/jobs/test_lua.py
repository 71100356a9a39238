"""The scripts use the names that jobs/contract/names.py makes, and no others."""

import re
from pathlib import Path

import pytest

from jobs.contract import names
from jobs.storage import scripts
from tests.chaos.naming import key_shapes

LUA = Path(scripts.__file__).parent / "lua"
FILES = sorted(LUA.rglob("*.lua"))
SHAPES = key_shapes(names)
#: A suffix that a script appends to the key of a batch.
SUFFIX = re.compile(r"\bbatch \.\. '(:[a-z:]+)'")


def arguments(text: str, start: int) -> list[str]:
    """The arguments of a call whose opening bracket is right before `start`."""
    depth, begin = 0, start
    parts: list[str] = []
    for place in range(start, len(text)):
        letter = text[place]
        if letter == ")" and depth == 0:
            return [*parts, text[begin:place].strip()]
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[begin:place].strip())
            begin = place + 1
    raise AssertionError(text[start:])


def keys_of(text: str) -> set[str]:
    """The keys that a script makes, with `x` for each argument."""
    code = re.sub(r"--.*", "", text)
    found = set()
    for call in re.finditer(r"(?<![\w.])key\(", code):
        if code[: call.start()].endswith("function "):
            continue
        given = arguments(code, call.end())
        choices = [[part.strip("'")] if part.startswith("'") else ["x"] for part in given]
        found.add(":".join(["eva01", *(choice[0] for choice in choices)]))
    found |= {f"eva01:batch:x{suffix}" for suffix in SUFFIX.findall(code)}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LUA)))
def test_every_key_of_a_script_is_one_of_ours(file):
    keys = keys_of(file.read_text(encoding="utf-8"))
    assert {key for key in keys if SHAPES.parts(key) is None} == set()


def test_keys_are_found_at_all():
    every = set().union(*(keys_of(file.read_text(encoding="utf-8")) for file in FILES))
    known = {"eva01:x:singles", "eva01:batch:x:jobs:queued", "eva01:batch:x:changes", "eva01:unsettled"}
    assert known <= every
    assert SHAPES.parts("eva01:batch:x:nonsense") is None


def test_every_script_is_used_and_loads():
    used = " ".join(path.read_text(encoding="utf-8") for path in LUA.parent.rglob("*.py"))
    for file in LUA.glob("*.lua"):
        assert f'"{file.stem}"' in used, f"nobody calls {file.name}"
        assert "local function key(" in scripts.source(file.stem)
