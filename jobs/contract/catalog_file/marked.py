"""YAML as texts in mappings and lists, with the line on which each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

#: That of libyaml, which PyYAML's wheels have, reads `?` between braces; both leave a value the text it is.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
#: What is written where nothing is.
_NOTHING = ("", "~", "null")
#: Where a value stands among the others: keys, and places in lists.
Path = tuple[str | int, ...]


class NotRead(Exception):
    """Raised when a text is no YAML that we read; `line` is counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Marked:
    """Values, and where each begins; one in a mapping begins with its key."""

    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest one around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Marked:
    """Read one document.

    Raises NotRead for what is no YAML, for a key that is there twice, and for one that is no text.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
        lines: dict[Path, int] = {}
        return Marked(None if root is None else _plain(root, (), lines), lines)
    except yaml.reader.ReaderError as error:
        # It counts bytes.
        raise NotRead(text.encode().count(b"\n", 0, error.position) + 1, error.reason) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotRead(
            mark.line + 1 if mark else 1, (error.problem or str(error)).removeprefix("but ")
        ) from error
    except RecursionError as error:
        raise NotRead(1, "it is nested too deeply") from error


def _plain(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(value, (*path, key), lines) for key, value in _pairs(node, path, lines)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*path, place), lines) for place, one in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> list[tuple[str, yaml.Node]]:
    """A mapping's keys and values, once it is noted where the keys stand."""
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        line, key = key_node.start_mark.line + 1, key_node.value
        if not isinstance(key, str):
            raise NotRead(line, "a key has to be a word")
        if key in found:
            raise NotRead(line, f"{key!r} is there twice")
        found[key] = value
        lines[(*path, key)] = line
    return [*found.items()]


def _scalar(node: yaml.Node) -> str | None:
    """A text as it is written, though YAML would make of `No` that it is false, and of 12:30 a number."""
    if node.tag != "tag:yaml.org,2002:str":
        raise NotRead(node.start_mark.line + 1, f"{node.tag} has no meaning here")
    return str(node.value) if node.value not in _NOTHING or node.style else None
