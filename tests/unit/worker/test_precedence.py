"""Jobs of batches leave the cores to a single question, for a while."""

import threading

import pytest

from tests.processes import wait_until
from worker.job.precedence import Precedence

#: Seconds that no test lasts.
FOR_EVER_S = 600.0


def give_way(precedence: Precedence) -> threading.Thread:
    """Give way in a thread, which waits by the time this returns."""
    thread = threading.Thread(target=precedence.give_way, args=("anna",), daemon=True)
    thread.start()
    wait_until(lambda: precedence._changed._waiters or not thread.is_alive(), "it waits")  # type: ignore[attr-defined]
    return thread


@pytest.mark.timeout(60)
def test_nobody_waits_where_nothing_is_asked():
    precedence = Precedence(FOR_EVER_S)
    precedence.give_way("anna")
    with precedence.asking("anna"):
        pass
    precedence.give_way("anna")


def test_a_batch_waits_until_the_last_question_in_hand_is_answered():
    precedence = Precedence(FOR_EVER_S)
    with precedence.asking("anna"):
        with precedence.asking("anna"):
            waiting = give_way(precedence)
        assert waiting.is_alive()
    waiting.join(30)
    assert not waiting.is_alive()


@pytest.mark.timeout(60)
def test_a_long_answer_does_not_hold_a_batch_up():
    precedence = Precedence(0.05)
    with precedence.asking("anna"):
        precedence.give_way("anna")


@pytest.mark.timeout(60)
def test_nobodys_batch_waits_for_the_questions_of_another_owner():
    precedence = Precedence(FOR_EVER_S)
    with precedence.asking("ben"), precedence.asking(None):
        precedence.give_way("anna")


def test_a_question_that_fails_is_not_waited_for():
    precedence = Precedence(FOR_EVER_S)
    with pytest.raises(ValueError, match="lost"), precedence.asking("anna"):
        raise ValueError("lost")
    waiting = give_way(precedence)
    waiting.join(30)
    assert not waiting.is_alive()
