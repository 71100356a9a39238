"""The file read, or refused in one line with the number of the line that is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.contract.base import Frozen
from jobs.contract.catalog_file.catalog import NOTHING_LISTED, Catalog
from jobs.contract.catalog_file.entry import Entry
from jobs.contract.catalog_file.marked import Marked, NotRead, read
from jobs.contract.faults import fault_of
from jobs.contract.settings import BadSetting

_VARIABLE = "EVA01_CATALOG"
_REMEDY = "docs/configuration.md says what may stand in it"
#: Characters of a value that an error shows.
_SHOWN = 60


_UNKNOWN = "extra_forbidden"
#: What pydantic says in words of Python.
_FAULTS = {
    "tuple_type": "should be a list, each of it behind a dash",
    "model_type": "should be keys with their values",
    "string_type": "should be a text",
}


class _File(Frozen):
    """The whole file."""

    models: tuple[Entry, ...]


def read_catalog(path: Path | None) -> Catalog:
    """The models that a file lists; none where there is no file.

    Raises BadSetting, which names the line.
    """
    if path is None:
        return NOTHING_LISTED
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadSetting(
            f"{_VARIABLE}={path}: it cannot be read ({error.strerror}). Name another."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _bad(path, line, "it is no UTF-8; save it as that") from error
    try:
        marked = read(text)
    except NotRead as error:
        raise _bad(path, error.line, f"it is no YAML that is read here: {error}") from error
    return _checked(path, marked)


def _checked(path: Path, marked: Marked) -> Catalog:
    try:
        models = _File.model_validate(marked.value).models
    except ValidationError as error:
        # A key that there is not explains why another is missing.
        by_place = [(marked.line_of(one["loc"]), one["type"] != _UNKNOWN, one) for one in error.errors()]
        faults = [one for *_, one in sorted(by_place, key=lambda found: found[:2])]
        more = f"; {len(faults) - 1} more below" if len(faults) > 1 else ""
        raise _bad(path, marked.line_of(faults[0]["loc"]), _said(faults[0]) + more) from error
    entries: dict[str, Entry] = {}
    for place, entry in enumerate(models):
        if entry.name in entries:
            line = marked.line_of(("models", place, "name"))
            raise _bad(path, line, f"there are two models called {entry.name!r}; rename one")
        entries[entry.name] = entry
    return Catalog(entries)


def _bad(path: Path, line: int, fault: str) -> BadSetting:
    return BadSetting(f"{_VARIABLE}={path}: line {line}: {fault}. {_REMEDY}.")


def _said(error: Mapping[str, Any]) -> str:
    """What is wrong, with the key that has it."""
    key = next((part for part in reversed(error["loc"]) if isinstance(part, str)), "")
    if error["type"] == "missing":
        return f"`{key}` is missing"
    if error["type"] == _UNKNOWN:
        return f"there is no key `{key}` here; take it out, or look how it is written"
    value = repr(error["input"])
    shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    return f"{key or 'the file'}={shown}: {_FAULTS.get(error['type']) or fault_of(error)}"
