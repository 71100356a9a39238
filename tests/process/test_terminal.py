"""A worker on a terminal, where a library could ask, and somebody answer."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


def test_nobody_is_asked_whether_a_models_own_code_may_run(tmp_path: Path) -> None:
    settings = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n" * 20)
    worker = subprocess.run(
        [sys.executable, "-m", "worker", "--model", str(tmp_path)],
        env={**os.environ, "EVA01_WORKER_PORT": "0", "EVA01_DATA": str(tmp_path / "data")},
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=100,
    )
    os.close(ours)
    os.close(theirs)
    assert worker.returncode == 2, worker.stderr
    assert "code that comes with weights is never run" in worker.stderr
    assert "[y/N]" not in worker.stdout + worker.stderr
    assert not (tmp_path / "ran").exists()
