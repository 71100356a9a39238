"""Answers do not depend on other requests in flight."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.process.rolling.reference import (
    DRAWN,
    SEVERAL,
    arrivals,
    assert_each_answer_is_the_one_given_alone,
)

ARRIVALS = arrivals(SEVERAL + 1, fewest=1, most=10, latest=60)


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(DRAWN, max_examples=25)
@given(ARRIVALS, st.integers(1, 5), st.sampled_from([150, 400, 10_000]), st.sampled_from([1, 100, 512]))
def test_whatever_else_is_in_flight_an_answer_is_the_one_given_alone(
    reference, arrivals, slots, budget, prefill_tokens
):
    assert_each_answer_is_the_one_given_alone(
        reference, arrivals, slots=slots, budget_tokens=budget, prefill_tokens=prefill_tokens
    )
