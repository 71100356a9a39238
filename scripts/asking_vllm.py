"""Runs the tests of servers that somebody else wrote with a real vLLM, and says what came of each."""

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
_PAGE = _ROOT / "docs" / "openai.md"
_TESTS = "tests/process/others"


def main() -> int:
    """Exits with 0 when each test passes."""
    parser = argparse.ArgumentParser(prog="scripts/vllm", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_ROOT / ".venv-vllm")
    parser.add_argument("--write", action="store_true", help="put what came of it into docs/openai.md")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        env = os.environ | {"VLLM_ENVIRONMENT": str(given.folder)}
        command = [sys.executable, "-m", "pytest", _TESTS, f"--junit-xml={report}"]
        code = subprocess.run(command, cwd=_ROOT, env=env, check=False).returncode
        said = _table(report)
    print(said)
    if given.write:
        write("vllm", said, _PAGE)
    return code


def _table(report: Path) -> str:
    # pytest wrote it just now.
    tests = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314
    lines = [f"vLLM {Vllm.version} on a CPU, `nano` in fp32, {datetime.now(UTC):%Y-%m-%d}:", ""]
    lines += ["| what is asked of it | |", "|---|---|"]
    for test in tests:
        sentence = test.attrib["name"].removeprefix("test_").replace("_", " ")
        lines.append(f"| {sentence} | {'no' if len(test) else 'yes'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
