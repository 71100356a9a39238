"""Answers do not depend on other requests in flight."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.process.rolling.reference import DRAWN, LONGEST, SEVERAL, assert_each_answer_is_the_one_given_alone
from worker.engines.company import Company

ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, SEVERAL),
        st.integers(1, LONGEST),
        st.integers(0, 12),
        st.booleans(),
        st.sampled_from(Company),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=10,
)


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(DRAWN, max_examples=25)
@given(ARRIVALS, st.integers(1, 5), st.sampled_from([150, 400, 10_000]), st.sampled_from([1, 100, 512]))
def test_whatever_else_is_in_flight_an_answer_is_the_one_given_alone(
    reference, arrivals, slots, budget, prefill_tokens
):
    assert_each_answer_is_the_one_given_alone(
        reference, arrivals, slots=slots, budget_tokens=budget, prefill_tokens=prefill_tokens
    )
