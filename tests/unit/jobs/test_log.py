"""Lines of the log: their form, what they say of a request or a job, and what they never say."""

import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from jobs import log
from jobs.contract.models import new_id

JOB, BATCH = new_id(), new_id()


@dataclass(frozen=True)
class Said:
    """What is written to stderr, once it is asked for."""

    capsys: pytest.CaptureFixture[str]

    def text(self) -> str:
        return self.capsys.readouterr().err

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """Lines are about nothing before and afterwards."""
    log.begin()
    yield Said(capsys)
    log.begin()


def test_a_line_says_its_time_level_logger_and_sentence_and_what_it_is_about(said):
    log.set_up("json")
    log.begin(request_id="r-1", owner=None)
    with log.about(job_id=JOB, batch_id=BATCH):
        logging.getLogger("any.library").warning("It is %s.", "late")
    logging.getLogger("any.library").info("On it goes.")
    first, second = said.lines()
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "logger": "any.library",
        "event": "It is late.",
        "request_id": "r-1",
        "job_id": JOB,
        "batch_id": BATCH,
    }
    assert second.keys() == {"time", "level", "logger", "event", "request_id"}


def test_a_line_for_people_does_not_repeat_an_id_that_its_sentence_says(said):
    log.set_up("console")
    with log.about(job_id=JOB, batch_id=BATCH):
        logging.getLogger("x").info("Job %s: answered.", JOB)
    assert said.text().endswith(f"Z INFO    Job {JOB}: answered. batch_id={BATCH}\n")


def test_an_id_that_only_the_sentence_says_is_a_field_as_well(said):
    log.set_up("json")
    logging.getLogger("x").info("Batch %s has expired.", BATCH)
    assert said.lines()[0]["batch_id"] == BATCH


def test_nobody_forges_a_line(said):
    log.set_up("console")
    logging.getLogger("x").warning("no such file: %s", "a\n2026-11-26T09:00:00Z INFO    All is well.")
    assert [line[0] for line in said.text().splitlines()] == ["2", " "]


def test_a_new_request_says_nothing_of_the_one_before(said):
    log.set_up("json")
    log.begin(hidden=("the first question",), request_id="r-1", batch_id=BATCH)
    log.begin(request_id="r-2")
    logging.getLogger("x").info("the first question")
    (line,) = said.lines()
    assert (line["request_id"], line["event"], "batch_id" in line) == ("r-2", "the first question", False)


def test_another_thread_takes_over_what_is_said_and_what_is_not(said):
    log.set_up("json")
    with log.about(hidden=("a question",), job_id=JOB, owner="anna"):
        one = log.context()
    with log.about(hidden=("another one",), job_id=new_id(), owner="anna"):
        two = log.context()

    def work() -> None:
        with log.within(one):
            logging.getLogger("x").info("a question")
        with log.within(one, two):
            logging.getLogger("x").info("a question, another one")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    alone, together = said.lines()
    assert (alone["event"], alone["job_id"], alone["owner"]) == ("…", JOB, "anna")
    assert (together["event"], together["owner"], "job_id" in together) == ("…, …", "anna", False)


@pytest.mark.parametrize("form", ["console", "json"])
def test_what_is_hidden_is_in_no_line_nor_traceback(said, form):
    log.set_up(form)
    question = "MARKED 'what'\nis \"this\"?"
    with log.about(hidden=(question,)):
        try:
            raise ValueError(question)
        except ValueError as error:
            logging.getLogger("x").exception("It failed: %r, %s", error, question)
    written = said.text()
    assert "Traceback" in written
    assert "MARKED" not in written


@pytest.mark.parametrize(
    "text",
    [
        "eva01_abcdefghMARKED-of-the-key-and-more",
        "Authorization: Bearer MARKED-credential",
        "redis://user:MARKED@example.org:6379/0 is away",
        "GET /api/shared/MARKED.of.a.link/results",
        "Command # 3 (EVALSHA 0123 MARKED question) of pipeline caused error: OOM",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(said, text):
    log.set_up("json")
    logging.getLogger("redis").error("%s", text)
    assert "MARKED" not in said.text()


def test_fields_that_are_secret_are_dropped_whoever_binds_them(said):
    log.set_up("json")
    with log.about(question="MARKED", token="MARKED"):
        logging.getLogger("x").info("Done.", extra={"answer": "MARKED", "password": "MARKED"})
    assert "MARKED" not in said.text()


def test_warnings_come_as_lines(said):
    log.set_up("json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("this is old", stacklevel=1)
    (line,) = said.lines()
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "this is old" in line["event"]


def test_an_error_that_nobody_caught_is_a_line_in_every_thread():
    program = """
import threading
from jobs import log
log.set_up("json")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise ValueError("the end")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    first, second = map(json.loads, done.stderr.splitlines())
    assert done.returncode == 1
    assert "ZeroDivisionError" in first["exception"]
    assert "ValueError: the end" in second["exception"]
