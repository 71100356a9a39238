"""Commands of another distribution, and the errors for a mistyped one or another version."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HOME = Path(__file__).parents[3]


def bring(folder: Path, of_version: str) -> None:
    """Install a distribution with the command `frob` into a folder."""
    code = "import click\nfrob = click.Command('frob', callback=lambda: print('done'), help='Frobs.')\n"
    (folder / "frobbing.py").write_text(code)
    about = folder / "frobbing-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: frobbing\nVersion: {of_version}\n")
    (about / "entry_points.txt").write_text("[eva01.commands]\nfrob = frobbing:frob\n")


def eva01(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command, where what is in `folder` is installed as well."""
    return subprocess.run(
        [sys.executable, "-m", "eva01", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HOME), str(folder)])},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_command_that_is_installed_is_listed_and_run(tmp_path):
    bring(tmp_path, version("eva01"))
    assert "  frob " in eva01(tmp_path, "--help").stdout
    assert eva01(tmp_path, "frob").stdout == "done\n"


def test_a_command_of_another_version_is_refused_in_one_line(tmp_path, run, monkeypatch):
    bring(tmp_path, "9.9")
    monkeypatch.syspath_prepend(tmp_path)
    code, _, said = run("frob")
    assert code == 2
    assert "`eva01 frob` comes from frobbing 9.9, which does not go with eva01 " in said
    assert len(said.splitlines()) == 1


def test_a_command_that_nobody_brings_is_wrong_use(run):
    code, _, said = run("frob")
    assert code == 2
    assert "No such command 'frob'" in said
