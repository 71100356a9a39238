"""The number of cores that a worker uses: those of its cgroup and affinity, not all of the machine."""

import os
import sys
from pathlib import Path

import pytest

from worker.ops.cores import SHARED, core_count, share_cores

PRESENT = len(os.sched_getaffinity(0))


def count(root: Path, own: str | None, **limits: str) -> int:
    """The cores in a tree of control groups; `limits` says what `cpu.max` holds in each."""
    for group, cpu_max in limits.items():
        folder = root / group.replace("__", "/").strip("_")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(f"{cpu_max}\n")
    own_cgroup = root / "self"
    if own is not None:
        own_cgroup.write_text(f"{own}\n")
    return core_count(root, own_cgroup)


def test_without_a_limit_all_cores_are_ours(tmp_path):
    assert count(tmp_path, "0::/", _="max 100000") == PRESENT
    assert count(tmp_path, "0::/a/b", a="max 100000", a__b="max 100000") == PRESENT


def test_a_machine_without_control_groups_has_no_limit(tmp_path):
    assert count(tmp_path, None) == PRESENT
    assert count(tmp_path, "12:cpu:/docker/1\n3:memory:/") == PRESENT


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("10000 100000", 1), ("150000 100000", 2)],
)
def test_a_containers_limit_counts_in_whole_cores(tmp_path, cpu_max, cores):
    assert count(tmp_path, "0::/", _=cpu_max) == min(cores, PRESENT)


def test_a_limit_above_what_there_is_gives_no_more(tmp_path):
    assert count(tmp_path, "0::/", _="6400000 100000") == PRESENT


def test_the_limit_of_a_group_above_holds_for_those_below(tmp_path):
    assert count(tmp_path, "0::/pod/worker", pod="100000 100000", pod__worker="max 100000") == 1
    assert count(tmp_path, "0::/pod/worker", pod="max 100000", pod__worker="20000 100000") == 1


def test_a_file_that_cannot_be_read_is_no_limit(tmp_path):
    assert count(tmp_path, "0::/", _="nonsense") == PRESENT


def test_the_devices_thread_is_let_in_soon_while_others_use_the_interpreter(monkeypatch):
    before = sys.getswitchinterval()
    for name in SHARED:
        # What is set first is put back in the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    try:
        share_cores()
        assert sys.getswitchinterval() < 0.001
        assert {name: os.environ[name] for name in SHARED} == SHARED
        monkeypatch.setenv("GOMP_SPINCOUNT", "0")
        share_cores()
        assert os.environ["GOMP_SPINCOUNT"] == "0", "who sets it knows better"
    finally:
        sys.setswitchinterval(before)
