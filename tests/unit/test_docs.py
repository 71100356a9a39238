"""The pages say what the code does: every error code, every metric, every command."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import jobs.upkeep.housekeeping  # noqa: F401
import web.api.queue_gauges
import web.http.problems
import web.http.request_metrics
import worker.ops.metrics  # noqa: F401 - each for what it registers

ROOT = Path(__file__).parents[2]
ROOMS = ("jobs", "web", "worker")
PAGES = [path.stem for path in (ROOT / "docs").glob("*.md")]


def page(name: str) -> str:
    """A page of docs/ as text."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def error_codes() -> set[str]:
    """Every stable code that a room of the server may answer with."""
    sources = [path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {code for text in sources for code in re.findall(r'\bcode="([a-z_]+)"', text)}


def test_every_error_code_has_its_line_in_the_api_page():
    assert len(error_codes()) > 20
    listed = set(re.findall(r"`([a-z_]+)`", page("api.md").split("### Codes")[1]))
    assert error_codes() <= listed


def test_every_metric_has_its_line_in_the_metrics_page_and_none_is_invented():
    registered = {family.name for family in REGISTRY.collect() if family.name.startswith("eva01_")}
    counters = {family.name for family in REGISTRY.collect() if family.type == "counter"}
    names = {f"{name}_total" if name in counters else name for name in registered}
    names |= {family.name for family in web.api.queue_gauges.queue_families()}
    listed = set(re.findall(r"^\| `(eva01_[a-z_]+)`", page("metrics.md"), re.MULTILINE))
    assert names == listed


@pytest.mark.parametrize("name", PAGES)
def test_every_link_between_the_pages_leads_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(f"{name}.md")):
        assert (ROOT / "docs" / target).exists(), f"docs/{name}.md links to {target}"


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), f"README.md links to {target}"
