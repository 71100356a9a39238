"""Bytes in words for people."""

import pytest

from jobs.contract.sizes import size


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (999_900, "1 MB"), (16_600_000_000, "16.6 GB"), (2e15, "2 PB")],
)
def test_bytes_are_said_in_the_largest_unit_that_leaves_a_whole_number(count, said):
    assert size(count) == said
