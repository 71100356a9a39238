"""Which files make one job: the command and a server have the same rule, and lose no file."""

from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eva01.client import groups as client
from jobs.contract.asking import groups as server

#: Few letters, so that many paths have something in common.
PATHS = st.lists(st.text("ab/.-_ (01)29", min_size=1, max_size=12), max_size=12)
BY = st.sampled_from(["folder", "prefix"])


def made(paths: list[str], by: str, top: str = "") -> list[tuple[str | None, tuple[int, ...]]]:
    """What a server makes of paths: names, and places of files."""
    return [(group.name, group.places) for group in server.grouped(paths, server.GroupBy(by), top)]


@settings(max_examples=300, deadline=None)
@given(PATHS, BY, st.sampled_from(["", "top"]))
@example(["1" * 5000, "2" * 5000 + "b"], "prefix", "")
def test_command_and_server_make_the_same_jobs_and_each_file_is_in_one_of_them(paths, by, top):
    groups = made(paths, by, top)
    theirs = client.grouped(paths, client.GroupBy(by), top)
    assert [astuple(group) for group in theirs] == groups
    assert sorted(place for _, places in groups for place in places) == [*range(len(paths))]
    firsts = [min(places) for _, places in groups]
    assert firsts == sorted(firsts)


@settings(max_examples=100, deadline=None)
@given(PATHS, BY, st.randoms())
def test_what_is_one_job_does_not_depend_on_the_order_in_which_files_are_found(paths, by, random):
    unique = [*dict.fromkeys(paths)]
    shuffled = random.sample(unique, len(unique))
    as_found, otherwise = (
        {tuple(some[place] for place in places) for _, places in made(some, by, "top")}
        for some in (unique, shuffled)
    )
    assert as_found == otherwise


@pytest.mark.parametrize(
    ("by", "jobs"),
    [
        ("folder", {"t": ["t/a.png", "t/b.png"], "t/day 1": ["t/day 1/a.png"]}),
        ("folder", {"p1.png": ["p1.png", "p2.png", "p10.png"]}),
        ("prefix", {"s/front": ["s/front_1.png", "s/front_2.jpg"], "s/back": ["s/back 1.jpg"]}),
        ("prefix", {"front": ["front (1).jpg", "front (2).jpg"], None: ["front.jpg"]}),
        ("prefix", {"s": ["s/1.jpg", "s/2.jpg"], "t": ["t/1.jpg"]}),
        ("prefix", {"a": ["a1.jpg"], None: ["sku12_left.jpg"]}),
    ],
)
def test_what_files_have_in_common_names_their_job(by, jobs):
    paths = [path for files in jobs.values() for path in reversed(files)]
    assert {name: [paths[place] for place in places] for name, places in made(paths, by)} == jobs
