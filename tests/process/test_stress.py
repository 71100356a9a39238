"""`scripts/stress` against a real web with a small worker: its counts, output, plot and exit codes."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.files.drawing import Scene
from tests.process.conftest import Stack
from tests.processes import free_port, python
from tests.stubs.engine import POISON

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


def start_worker(stack: Stack, takes_s: float) -> None:
    """A worker whose model is called `stub`."""
    port = free_port()
    env = {"EVA01_WORKER_PORT": str(port), "EVA01_DRAIN_S": "0", "PYTHONPATH": str(ROOT)}
    # Every job has to reach the engine, although two runs may ask the same.
    env["EVA01_ANSWER_CACHE"] = "false"
    process = stack.start("worker", python("tests.stubs.worker", str(takes_s)), **env)
    process.wait_until_ready(f"http://127.0.0.1:{port}/ready")


def stress(stack: Stack, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    command = python("scripts.stressing", "--server", stack.url, "--model", "stub", *options)
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def refusals(said: str) -> int:
    """The number of 429 replies in its output."""
    found = re.search(r"Turned away with 429, .*: ([\d,]+) times", said)
    return int(found[1].replace(",", "")) if found else 0


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web, and a worker that takes a moment for each image."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_web()
        start_worker(stack, 0.02)
        yield stack


def test_all_are_answered_and_counted_and_each_is_a_point_of_the_plot(busy, tmp_path):
    plot = tmp_path / "plot.svg"
    done = stress(busy, "-n", "20", "-c", "5", "--plot", str(plot))
    assert done.returncode == 0, done.stderr
    assert "20 of 20 answered (100.0%)" in done.stdout
    assert re.search(r"p50 [\d.]+ s, p95 [\d.]+ s, p99 [\d.]+ s, max [\d.]+ s", done.stdout)
    circles = ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}circle")
    assert len(list(circles)) == 20


def test_fewer_answers_than_expected_end_with_1_and_say_why(busy):
    done = stress(busy, "-n", "4", "-q", POISON, "--expect", "0.5")
    assert done.returncode == 1
    assert "0 of 4 answered (0.0%)" in done.stdout
    assert re.search(r"Without an answer, [a-z_]+: 4", done.stdout), done.stdout


def test_as_many_answers_as_expected_are_enough(busy):
    assert stress(busy, "-n", "2", "-q", POISON, "--expect", "0").returncode == 0


def test_a_folder_goes_as_a_batch_as_often_as_wanted(busy, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for color in ("red", "green", "blue"):
        (folder / f"{color}.png").write_bytes(Scene("white", ((color, "circle"),)).encode())
    (folder / "broken.png").write_bytes(b"not an image")
    done = stress(busy, "--folder", str(folder), "-n", "2", "--expect", "0.75")
    assert done.returncode == 0, done.stderr
    assert "6 of 8 answered (75.0%)" in done.stdout
    assert re.search(r"Without an answer, [a-z_]+: 2", done.stdout), done.stdout


def test_a_question_that_is_turned_away_is_sent_again_when_the_server_says_so(empty_stack):
    stack = empty_stack
    stack.start_redis()
    stack.start_web(EVA01_MAX_QUEUED="2")
    # Slower than a busy machine sends, so that questions come faster than they are answered.
    start_worker(stack, 0.4)
    # Once the workers' rate is known, the server asks for pauses that fit it.
    stress(stack, "-n", "4", "-c", "2")
    done = stress(stack, "-n", "24", "-c", "16")
    assert done.returncode == 0, done.stdout
    assert refusals(done.stdout) > 0


def test_a_question_that_outlasts_its_patience_has_failed(stack):
    start_worker(stack, 30)
    done = stress(stack, "-n", "1", "--patience", "0.5")
    assert done.returncode == 1
    assert "Without an answer, no answer in time: 1" in done.stdout


def test_an_address_where_nothing_answers_is_one_line_and_2(tmp_path):
    done = stress(Stack(tmp_path), "-n", "1")
    assert done.returncode == 2
    assert re.fullmatch(r"stress: No answer from http://127\.0\.0\.1:\d+ .*\n", done.stderr)
