"""`scripts/bench_store` with small numbers: each part gives its lines, and finds all counts exact."""

import subprocess

import pytest

from tests.processes import python
from tests.stubs.processes import ROOT

pytestmark = pytest.mark.process

#: The targets, in the order of the table.
WANTED = [
    "≤ 1,200",
    *["≥ 5,000"] * 2,
    "≥ 60,000",
    *["≤ 1.10"] * 5,
    *["≤ 50"] * 3,
    "≥ 600",
    *["flat"] * 2,
    "≤ 60",
    *["flat"] * 2,
]


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    command = python("scripts.benching_store", *options)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


def test_every_part_is_measured_and_every_count_is_exact():
    done = bench("--jobs", "1200", "--files", "70", "--requests", "300", "--rounds", "2", "--calls", "2")
    assert done.returncode == 0, done.stderr
    head, _, *rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    assert head == ["what", "wanted", "median", "rounds"]
    wanted = [row[1].partition(" (")[0] for row in rows]
    assert [one for one in wanted if one] == WANTED
    assert all(float(row[2].replace(",", "")) >= 0 for row in rows)
    # The counts were checked after each verb, and until all jobs were settled.
    assert sum("until all are settled" in row[0] for row in rows) == 2


def test_a_part_is_measured_alone_and_never_into_the_page():
    done = bench("--only", "memory", "--jobs", "600", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "|" in line][2:] != []
    refused = bench("--only", "memory", "--write")
    assert (refused.returncode, "--write needs all parts" in refused.stderr) == (2, True)


def test_a_part_that_there_is_not_is_refused():
    refused = bench("--only", "memory,speed")
    assert (refused.returncode, "'speed' is none of memory, create" in refused.stderr) == (2, True)
