"""What pydantic finds wrong reaches people in our words, in one place."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_what_pydantic_says_of_a_fault_is_read_in_one_place():
    read = re.compile(r"""\[["']msg["']\]""")
    places = [
        path.relative_to(ROOT).as_posix()
        for folder in ("jobs", "web", "worker", "eva01")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if read.search(path.read_text(encoding="utf-8"))
    ]
    assert places == ["jobs/contract/faults.py"]
