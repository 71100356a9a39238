"""web → jobs ← worker: seen from a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

import jobs

MODEL_LIBRARIES = ("torch", "transformers", "onnxruntime", "rapidocr")


def modules_after_importing(package: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `import package`."""
    program = f"import {package}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["web.app", "web.wsgi", "eva01", "eva01.cli"])
def test_the_page_and_the_command_bring_no_model_library_along(package):
    assert modules_after_importing(package).isdisjoint(MODEL_LIBRARIES)


@pytest.mark.parametrize("module", sorted(path.stem for path in Path(jobs.__file__).parent.glob("*.py")))
def test_the_contract_brings_neither_flask_nor_torch_nor_pillow(module):
    others = {"flask", "torch", "PIL", "web", "worker"}
    assert modules_after_importing(f"jobs.{module}").isdisjoint(others)


def test_the_command_brings_neither_web_nor_worker():
    assert modules_after_importing("eva01.cli").isdisjoint({"web", "worker", "flask"})
