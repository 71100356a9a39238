"""Virtual environments into which our distributions are installed, and in which they run."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What the two distributions are built from.
_SOURCES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "jobs", "web", "worker", "eva01")
_BUILT = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")


def copy_sources(target: Path) -> Path:
    """The packages and project files in a folder of their own, without what earlier builds left."""
    target.mkdir()
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=_BUILT)
        else:
            shutil.copy(source, target)
    return target


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project, alone in `folder`."""
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(project))
    (wheel,) = folder.glob("*.whl")
    return wheel


class Environment:
    """An empty virtual environment; installs with the pip of the environment of the tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self.command = folder / "bin" / "eva01"
        (self.packages,) = folder.glob("lib/python3*/site-packages")

    def install(self, *arguments: str) -> None:
        """Run `pip install` with these arguments."""
        _pip("--python", str(self.python), "install", *arguments)

    def borrow_packages(self) -> None:
        """Make the packages of the tests' environment importable here, after those installed here.

        Our own code is not among them, because it is installed from a checkout (editable).
        """
        folders = [path for path in sys.path if Path(path).name == "site-packages"]
        (self.packages / "borrowed.pth").write_text("\n".join(folders))

    def run(self, *command: object, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, without our settings in its environment variables."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVA01_")}
        for name in ("PYTHONPATH", "REDIS_URL", "MODEL_NAME"):
            inherited.pop(name, None)
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**inherited, "COLUMNS": "200", **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
        )


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    # Compiling bytecode would take longer than it saves.
    env = os.environ | {"PIP_NO_COMPILE": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
