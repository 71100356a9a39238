"""Requests that are made to cost web much, at a part of their size: what a real one needs of memory."""

from collections.abc import Iterator

import pytest

from scripts.benching_store.servers import Servers
from scripts.fuzzing.costing import Cost, costs

pytestmark = pytest.mark.process
#: Of the full size of each kind; and what may be needed at that.
SHARE, MOST_BYTES = 0.25, 150_000_000


@pytest.fixture(scope="module")
def all_costs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Cost]]:
    """What each kind took."""
    with Servers(tmp_path_factory.mktemp("costly")) as servers:
        yield [*costs(servers, SHARE)]


def test_none_takes_much_memory(all_costs):
    assert {cost.name: cost.memory_bytes for cost in all_costs if cost.memory_bytes > MOST_BYTES} == {}


def test_none_is_a_fault_of_ours_and_each_file_has_a_row(all_costs):
    assert {cost.name: cost.status for cost in all_costs if cost.status >= 500} == {}
    assert {cost.name: cost.rows for cost in all_costs if cost.rows[0] != cost.rows[1]} == {}


def test_what_is_beyond_a_bound_is_refused_by_its_name(all_costs):
    found = {cost.name: {*cost.outcomes} for cost in all_costs}
    expected = {
        "JPEG, ten million segments": {"truncated_image"},
        "GIF, a comment in 20 million blocks": {"truncated_image"},
        "HEIC, 5 million properties": {"truncated_image"},
        "TIFF, 4,000 directories of 1,000 tags": {"too_many_pages"},
        "zip of one content, 4,000 times": {"bad_zip_entry", "unsupported_format"},
        "zip of 400,000 heads": {"too_many_entries"},
        "zip of extra fields": {"bad_zip"},
        "parts with 12,000 lines": {"malformed_form"},
        "parts with 15,000 parameters": {"malformed_form"},
        "a million questions": {"invalid_field"},
        "two million known files that are nothing": {"malformed_body"},
        "760 names of 60,000 odd bytes": {"malformed_form"},
        "four million fields of a plain form": {"request_too_large"},
    }
    assert {name: found[name] for name in expected} == expected
