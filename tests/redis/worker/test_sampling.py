"""Which drawn answers are taken from an earlier job."""

import pytest

from jobs.contract.models import Options

pytestmark = pytest.mark.redis

DRAWN = Options(temperature=1, seed=7)


@pytest.mark.parametrize(
    ("first", "then", "is_cached"),
    [
        (DRAWN, DRAWN, True),
        (DRAWN, Options(temperature=1, seed=8), False),
        (DRAWN, Options(temperature=0.5, seed=7), False),
        (DRAWN, Options(temperature=1, seed=7, top_p=0.5), False),
        (DRAWN, Options(temperature=1, seed=7, stop=("a",)), False),
        (DRAWN, Options(), False),
        (Options(temperature=1), Options(temperature=1), False),
        (Options(stop=("a",)), Options(stop=("a",)), True),
        (Options(stop=("a",)), Options(), False),
        # What is not drawn is the same, whatever is said of how to draw.
        (Options(), Options(temperature=0, top_p=0.5, seed=7), True),
        (Options(seed=7), Options(), True),
    ],
)
def test_only_what_would_be_drawn_alike_is_reused(slot, first, then, is_cached):
    assert not slot.answer(slot.job(options=first)).cached
    assert slot.answer(slot.job(options=then), "another").cached is is_cached
