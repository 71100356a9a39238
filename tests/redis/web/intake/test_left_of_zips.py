"""A zip of which only a part could be looked at: its rest is one row, until the zip is sent again."""

from contextlib import closing
from typing import IO, cast

import pytest
from werkzeug.datastructures import FileStorage

from jobs import flow
from jobs.contract.catalog import NANO
from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.models import Batch
from tests.files.hostile import encoded, zipped
from web.intake.files import Intake
from web.intake.grouping import Said
from web.intake.outcomes import FileOutcome
from web.intake.spool import Spool

pytestmark = pytest.mark.redis

#: More entries than are read at a time, each another image.
ENTRIES = {f"{number:03}.png": encoded(size=(9, 9)) + b"%d" % number for number in range(600)}
ZIP = zipped(ENTRIES)
#: Looks: before a zip is opened and some are read; while each of these is. As an image it has one more.
OPENED, GROUP, READ = 2, 250, 3


@pytest.fixture
def take(services, tmp_path):
    """Sends a zip to a batch, of which so many looks are taken at most; gives what became of its files."""

    def take(batch: Batch, looks: int) -> list[FileOutcome]:
        left = iter(range(looks))

        def check() -> None:
            if next(left, None) is None:
                raise TooLarge("No more.", code=Code.REQUEST_TOO_COSTLY)

        with closing(Spool(tmp_path)) as spool, flow.accepting(services, batch) as request:
            part = spool.new_part()
            part.write(ZIP)
            intake = Intake(services, request, NANO, Said(), check, lambda cpu_s: None)
            return [*intake.take([FileStorage(cast(IO[bytes], part), "all.zip")])]

    return take


@pytest.fixture
def batch(services) -> Batch:
    return flow.open_batch(services, Batch(model=NANO.name, question="What?"))


def ends(outcomes: list[FileOutcome]) -> list[tuple[str, str | None]]:
    return [(one.file, one.error.code if one.error else None) for one in outcomes]


def test_its_rest_is_one_row_which_is_that_of_the_next_file_when_the_zip_is_sent_again(take, batch, services):
    names = [*ENTRIES]
    first = take(batch, looks=OPENED + GROUP * (READ + 1))
    assert ends(first[:250]) == [(name, None) for name in names[:250]]
    assert ends(first[250:]) == [("all.zip", "request_too_costly")]
    rest = first[-1]
    assert rest.error
    assert rest.error.message == "350 files of the zip, from 250.png on, were not looked at. No more."
    again = take(batch, looks=OPENED + GROUP * (READ + 1))
    assert again == [one.model_copy(update={"is_new": False}) for one in first]
    whole = take(batch, looks=10_000)
    assert ends(whole) == [(name, None) for name in names]
    assert [one.is_new for one in whole] == [False] * 250 + [True] * 350
    assert whole[250].job_id == rest.job_id
    assert services.store.get_batch(batch.id).total == 600


def test_what_was_read_already_when_time_is_spent_is_refused_one_by_one(take, batch):
    outcomes = take(batch, looks=OPENED + GROUP * READ + 100)
    assert ends(outcomes[:100]) == [(name, None) for name in [*ENTRIES][:100]]
    assert ends(outcomes[100:250]) == [(name, "request_too_costly") for name in [*ENTRIES][100:250]]
    assert ends(outcomes[250:]) == [("all.zip", "request_too_costly")]
