"""`scripts/bench` in miniature: every work runs to its end, and finds numbers that can be right."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.benching.works import WORKS
from tests.processes import python
from tests.stubs.processes import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

#: Those of others need environments of their own, of gigabytes.
OURS = [name for name in WORKS if not name.startswith("W3")]


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    command = python("scripts.benching", *options)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380)


def test_every_work_runs_to_its_end_and_finds_numbers(tmp_path):
    file: Path = tmp_path / "bench.json"
    done = bench("--small", "--rounds", "1", "--only", ",".join(OURS), "--out", str(file))
    assert done.returncode == 0, done.stderr
    works = json.loads(file.read_text())
    assert list(works) == OURS
    found = [one for work in works.values() for one in work["found"]]
    # What is above something else may be less than it, on a machine that does other things as well.
    assert [one["what"] for one in found if one["median"] <= 0 and "above" not in one["what"]] == []
    assert {name for name in OURS if any(one["wanted"] for one in works[name]["found"])} == set(OURS)
    assert all(f"| {name} | " in done.stdout and f"**{name}**: " in done.stdout for name in OURS)


def test_a_work_that_there_is_not_is_refused_and_a_miniature_is_never_written():
    refused = bench("--only", "W1,W99")
    assert (refused.returncode, "'W99' is none of W1, W2" in refused.stderr) == (2, True)
    refused = bench("--small", "--write")
    assert (refused.returncode, "leave --small out" in refused.stderr) == (2, True)
