"""The pages match the code: every error code, every metric, every command."""

import inspect
import re
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import jobs.upkeep.housekeeping  # noqa: F401
import web.api.queue_gauges
import web.fetch.metrics
import web.http.problems
import web.http.request_metrics
import worker.ops.metrics  # noqa: F401 - each for what it registers
from jobs.contract import names
from jobs.contract.codes import Code
from tests.markdown import anchors

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md"))
DECISIONS = [name for name in PAGES if re.match(r"decisions/\d{4}-", name)]


def page(name: str) -> str:
    """A page of docs/ as text."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def listed_codes() -> list[tuple[str, str]]:
    """Each code that the API's page lists, with the cell that says its status."""
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+) \|", page("api.md").split("### Codes")[1], re.MULTILINE)
    return [(code, status) for status, codes in rows for code in re.findall(r"`([a-z_]+)`", codes)]


def test_every_error_code_has_one_line_in_the_api_page_and_none_is_invented():
    assert sorted(code for code, _ in listed_codes()) == sorted(Code)


def test_the_api_page_says_the_status_of_every_code_that_a_call_is_refused_with():
    for code, shown in listed_codes():
        stated = re.findall(r"\d+", shown)
        assert stated in ([], [str(Code[code.upper()].http_status)]), code
        assert stated or shown in ("file", "job"), code


def test_the_api_page_says_after_which_codes_a_retry_helps():
    told = page("api.md").split("**Retry or fail.**")[1].split(";")[0]
    assert set(re.findall(r"`([a-z_]+)`", told)) == {code for code in Code if code.is_retryable}


def test_every_metric_has_its_line_in_the_metrics_page_and_none_is_invented():
    registered = {family.name for family in REGISTRY.collect() if family.name.startswith("eva01_")}
    counters = {family.name for family in REGISTRY.collect() if family.type == "counter"}
    names = {f"{name}_total" if name in counters else name for name in registered}
    names |= {family.name for family in web.api.queue_gauges.queue_families()}
    listed = set(re.findall(r"^\| `(eva01_[a-z_]+)`", page("metrics.md"), re.MULTILINE))
    assert names == listed


def redis_keys() -> set[str]:
    """Every key of names.py, with the placeholders of the page."""
    called = {
        part: f"<{part}>" for part in ("model", "owner", "state", "sha256", "digest", "day", "listener")
    } | {"number": "<n>"}
    made = {value for value in vars(names).values() if isinstance(value, str)}
    for _, function in inspect.getmembers(names, inspect.isfunction):
        made.add(function(*(called.get(part, "<id>") for part in inspect.signature(function).parameters)))
    return {name for name in made if name.startswith("eva01:")}


def test_every_redis_key_has_its_line_in_the_architecture_page_and_none_is_invented():
    rows = re.findall(r"^\| (`eva01:[^|]+) \|", page("architecture.md"), re.MULTILINE)
    listed = [key for row in rows for key in re.findall(r"`([^`]+)`", row)]
    assert sorted(listed) == sorted(redis_keys())


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_has_its_date_its_reason_and_what_would_change_our_mind(name):
    title, _, dated, *_ = page(f"{name}.md").splitlines()
    assert title.startswith("# ")
    day = dated.partition(";")[0]
    assert day == date.fromisoformat(day).isoformat()
    for part in ("Decision.", "Why.", "What would change our mind."):
        assert f"**{part}**" in page(f"{name}.md"), part
    assert f"| {day} | [{title[2:]}]({Path(name).name}.md) |" in page("decisions/README.md").splitlines()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_between_the_pages_leads_somewhere(name):
    folder = (ROOT / "docs" / name).parent
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(f"{name}.md")):
        assert (folder / target).exists(), f"docs/{name}.md links to {target}"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_heading_finds_it(name):
    folder = (ROOT / "docs" / name).parent
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page(f"{name}.md")):
        linked = folder / target if target else ROOT / "docs" / f"{name}.md"
        assert anchor in anchors(linked), f"docs/{name}.md links to {target}#{anchor}"


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), f"README.md links to {target}"
