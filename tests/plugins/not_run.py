"""Lists skipped tests at the end, one line for each reason; where `CI` is set, a skip is a failure."""

import os
from collections import defaultdict
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, report a skipped test as failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"In CI no test may be skipped. {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the reasons for skipped tests, with their number."""
    tests: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", ()):
        tests[_reason(report)].append(report.nodeid)
    if tests:
        terminalreporter.section("not run")
    for reason, nodes in sorted(tests.items()):
        rings = sorted({"/".join(node.split("/")[:2]).split("::")[0] for node in nodes})
        terminalreporter.write_line(f"{len(nodes)} of {', '.join(rings)}: {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
