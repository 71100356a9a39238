"""Patterns of keys and paths, derived from the functions of `jobs.contract.names`; others are orphans."""

import inspect
import itertools
import re
from collections.abc import Callable, Iterable
from types import ModuleType

#: Keys of kombu itself: the bindings of an exchange to queues.
_KOMBU = re.compile(r"_kombu\.binding(_permanent)?\..+")
_KEY = "eva01:"


class Shapes:
    """Patterns of names, with a group for each of their parts."""

    def __init__(self, patterns: Iterable["re.Pattern[str]"]) -> None:
        # Patterns with fewer groups are more specific, so they are tried first.
        self._patterns = sorted(set(patterns), key=lambda pattern: pattern.groups)

    def parts(self, name: str) -> dict[str, str] | None:
        """The parts of a name, such as `batch_id`; None when it has none of these shapes."""
        found = next((found for pattern in self._patterns if (found := pattern.fullmatch(name))), None)
        return None if found is None else found.groupdict()


def key_shapes(names: ModuleType) -> Shapes:
    """The shapes of Redis keys."""
    constants = [value for value in vars(names).values() if isinstance(value, str) and value.startswith(_KEY)]
    made = [shape for _, shape in _made(names) if shape.pattern.startswith(_KEY)]
    return Shapes([*map(re.compile, map(re.escape, constants)), *made, _KOMBU])


def path_shapes(names: ModuleType) -> Shapes:
    """The shapes of paths in the blob store."""
    shapes = (shape for name, shape in _made(names) if name.endswith("_path"))
    # Without a folder it is a path that users give.
    return Shapes(shape for shape in shapes if "/" in shape.pattern)


def _made(names: ModuleType) -> Iterable[tuple[str, "re.Pattern[str]"]]:
    for name, function in inspect.getmembers(names, inspect.isfunction):
        for shape in _shapes(function):
            yield name, shape


def _shapes(function: Callable[..., str]) -> Iterable["re.Pattern[str]"]:
    """A shape for each way to call it: with and without the arguments that may be None, or left out."""
    for given in itertools.product(*map(_choices, inspect.signature(function).parameters.values())):
        arguments = [part for parts in given for part in parts]
        shape = re.escape(function(*(part and f"<{part}>" for part in arguments)))
        yield re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^:/]+)", shape))


def _choices(parameter: inspect.Parameter) -> Iterable[tuple[str | None, ...]]:
    """The arguments that may stand for a parameter; none where it has a default."""
    yield (parameter.name,)
    if "None" in str(parameter.annotation):
        yield (None,)
    if parameter.default is not parameter.empty:
        yield ()
