"""Package boundaries: imports as a fresh interpreter sees them, and the contents that each package lists."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL_LIBRARIES = ("torch", "transformers", "onnxruntime", "rapidocr")
TOP = ("jobs", "web", "worker", "eva01")
ROOMS = sorted(path.parent for top in TOP for path in (ROOT / top).rglob("__init__.py"))
#: Files that a package need not list: entry points, and those of its distribution.
UNLISTED = {"__init__", "__main__", "__pycache__", "py", "pyproject"}


def modules_after_importing(package: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `import package`."""
    program = f"import {package}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def module_of(path: Path) -> str:
    return str(path.relative_to(ROOT)).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def importing(folder: str, modules: Iterable[str]) -> list[Path]:
    """The files below a folder that import one of these modules by its name."""
    named = re.compile(rf"^(from|import) ({'|'.join(map(re.escape, modules))})\b", re.MULTILINE)
    return [path for path in (ROOT / folder).rglob("*.py") if named.search(path.read_text(encoding="utf-8"))]


def test_the_page_brings_no_model_library_along():
    brought = modules_after_importing("web.wsgi")
    assert "flask" in brought
    assert brought.isdisjoint(MODEL_LIBRARIES)


def test_the_command_brings_no_model_library_and_nothing_of_the_server():
    brought = modules_after_importing("eva01.cli.main")
    assert "click" in brought
    assert brought.isdisjoint(MODEL_LIBRARIES)
    assert brought.isdisjoint({"jobs", "web", "worker", "flask", "celery", "kombu", "redis"})


def test_no_unit_test_brings_a_model_library():
    """Each process of tests imports all files of its ring, and would pay the seconds that a library takes."""
    ours = [module_of(path) for top in ("worker", "scripts") for path in importing(top, MODEL_LIBRARIES)]
    assert importing("tests/unit", [*MODEL_LIBRARIES, *ours]) == [], "tests/process/engines is for these"


def test_jobs_brings_neither_flask_nor_torch_nor_pillow():
    """Imports all its modules one after the other in one interpreter, to name the first that brings one."""
    modules = [module_of(path) for path in sorted((ROOT / "jobs").rglob("*.py"))]
    program = """
import importlib, sys
others = {"flask", "torch", "PIL", "celery", "kombu", "web", "worker"}
for module in sys.argv[1:]:
    importlib.import_module(module)
    brought = others & {name.split(".")[0] for name in sys.modules}
    if brought:
        sys.exit(f"{module} brings {brought}")
"""
    done = subprocess.run([sys.executable, "-c", program, *modules], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_lists_what_is_in_it_and_nothing_else(room):
    text = (room / "__init__.py").read_text(encoding="utf-8")
    listed = {name.rstrip("/,") for name in re.findall(r"^ *([a-z0-9_/]+)  +\S", text, re.MULTILINE)}
    built = {*room.glob("*.egg-info"), room / "build"}
    there = {path.stem for path in {*room.iterdir()} - built if not path.name.startswith(".")} - UNLISTED
    assert listed == there


def test_only_storage_speaks_with_redis():
    touching = [
        str(path.relative_to(ROOT))
        for top in TOP
        for path in (ROOT / top).rglob("*.py")
        if re.search(r"^(?!from|import).*\.redis\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert [path for path in touching if not path.startswith("jobs/storage/")] == []
