"""Every call of the API's document, made by schemathesis of a real web with all its checks: requests that fit
the document are done, others are refused, and no answer is one that the document does not say."""

from pathlib import Path

import pytest

from scripts.fuzzing_api.checking import check
from scripts.fuzzing_api.house import House

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

#: Requests drawn for each call, the same in each run. An admin makes some 2,000 more, covering all
#: parameters.
EXAMPLES = 10


def test_every_call_answers_as_the_document_says_whoever_makes_it(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        as_admin = check(house, as_admin=True, examples=EXAMPLES, phases="examples,coverage,fuzzing")
        as_users = check(house, as_admin=False, examples=EXAMPLES, phases="examples,fuzzing")
    for run in (as_admin, as_users):
        assert run.is_clean, run.text
    never = set(as_admin.never_done()) & set(as_users.never_done())
    assert len(never) <= len(as_admin.answers) // 10, never
