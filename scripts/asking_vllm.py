"""Runs the tests of a real vLLM, as a server and within a worker, and says what came of each."""

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from scripts.report import write
from tests.process.others.servers import Vllm

_ROOT = Path(__file__).parents[1]
#: The tests' folder, and where what came of it stands: a mark, and the page.
_RUNS = (
    ("tests/process/others", "vllm", _ROOT / "docs" / "openai.md"),
    ("tests/process/two_engines", "two-engines", _ROOT / "docs" / "vllm.md"),
)


def main() -> int:
    """Exits with 0 when each test passes."""
    parser = argparse.ArgumentParser(prog="scripts/vllm", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_ROOT / ".venv-vllm")
    parser.add_argument("--write", action="store_true", help="put what came of it into docs/")
    given = parser.parse_args()
    codes = []
    for tests, mark, page in _RUNS:
        code, said = _run(tests, given.folder)
        codes.append(code)
        print(said)
        if given.write:
            write(mark, said, page)
    return max(codes)


def _run(tests: str, folder: Path) -> tuple[int, str]:
    with TemporaryDirectory() as reports:
        report = Path(reports, "report.xml")
        env = os.environ | {"VLLM_ENVIRONMENT": str(folder)}
        command = [sys.executable, "-m", "pytest", "-n", "0", tests, f"--junit-xml={report}"]
        code = subprocess.run(command, cwd=_ROOT, env=env, check=False).returncode
        return code, _table(report)


def _table(report: Path) -> str:
    # pytest wrote it just now.
    tests = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314
    lines = [f"vLLM {Vllm.version} on a CPU, `nano` in fp32, {datetime.now(UTC):%Y-%m-%d}:", ""]
    lines += ["| what is asked of it | |", "|---|---|"]
    for test in tests:
        name, _, engine = test.attrib["name"].removeprefix("test_").partition("[")
        sentence = name.replace("_", " ") + (f" ({engine.rstrip(']')})" if engine else "")
        lines.append(f"| {sentence} | {'no' if len(test) else 'yes'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
