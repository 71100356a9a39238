"""Damaged files at every door, drawn by Hypothesis, the same in each run.

Each has a row, an answer or a reason; none is lost, makes an error of ours, or costs web much.
"""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from scripts.fuzzing import originals
from scripts.fuzzing.damage import File
from scripts.fuzzing.doors import DOORS, OF_ZIPS, Door, by_the_command, unknown_doors
from scripts.fuzzing.originals import Original
from scripts.fuzzing.tally import Tally
from tests.files.damaging import damaged

pytestmark = pytest.mark.process

#: Requests for each door; the command starts anew for each.
EXAMPLES, OF_THE_COMMAND = 12, 3


@pytest.fixture(scope="module")
def whole() -> list[Original]:
    """A small whole file of every format and variant."""
    return originals.images()


def assert_nothing_breaks(servers, name: str, door: Door, files: st.SearchStrategy[list[File]]) -> None:
    """Send what is drawn by a door, and look what is said of each file."""
    examples = OF_THE_COMMAND if door is by_the_command else EXAMPLES

    @settings(max_examples=examples, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
    @given(files)
    def nothing_breaks(files: list[File]) -> None:
        tally = Tally(name)
        door(servers, files, tally)
        assert [what for what, *_ in tally.faults] == []
        assert (tally.sent, tally.noted) == (len(files), len(files))

    nothing_breaks()


@pytest.mark.parametrize("name", DOORS)
def test_of_each_damaged_file_something_is_said(servers, whole, name):
    assert_nothing_breaks(servers, name, DOORS[name], damaged(whole))


def test_of_each_damaged_zip_something_is_said(servers, whole):
    name, door = OF_ZIPS
    assert_nothing_breaks(servers, name, door, damaged(originals.zips(whole)))


def test_no_door_is_left_out(servers):
    assert unknown_doors(servers) == set()
