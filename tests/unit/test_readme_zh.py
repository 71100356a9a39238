"""README.zh-CN.md matches README.md: the same commands, programs, links and headings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def english() -> str:
    return (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def chinese() -> str:
    return (ROOT / "README.zh-CN.md").read_text("utf-8")


def commands(text: str) -> list[str]:
    """The lines of code, without their comments."""
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = re.findall(r"^ {4}(.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line) for line in lines] + programs


def links(text: str) -> set[str]:
    return set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh-CN.md"}


def test_the_commands_are_the_same(english: str, chinese: str) -> None:
    assert len(commands(english)) > 8
    assert commands(chinese) == commands(english)


def test_the_links_are_the_same_and_lead_to_each_other(english: str, chinese: str) -> None:
    assert links(chinese) == links(english)
    assert "](README.zh-CN.md)" in english
    assert "](README.md)" in chinese


def test_there_are_as_many_sections_models_and_points(english: str, chinese: str) -> None:
    for mark in ("## ", "| ", "- "):
        starts = [sum(line.startswith(mark) for line in text.splitlines()) for text in (english, chinese)]
        assert starts[0] == starts[1], mark
