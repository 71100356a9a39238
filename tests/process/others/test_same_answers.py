"""A server with `nano`, asked by a worker of ours, says what our own engine says."""

import pytest

from tests.process.others.scenes import SCENES, THEIRS, answers

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]


def test_it_says_what_our_own_engine_says_and_what_is_seen(client, folder):
    ours, theirs = (answers(client, folder, model) for model in ("nano", THEIRS))
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert [job.answer for job in theirs] == [scene.description for scene in SCENES]
    assert {job.finish_reason for job in theirs} == {"stop"}


def test_what_is_cut_is_said_to_be(client, folder):
    ours, theirs = (answers(client, folder, model, max_new_tokens=4) for model in ("nano", THEIRS))
    assert [job.answer for job in theirs] == [job.answer for job in ours]
    assert {job.finish_reason for job in theirs} == {"length"}
