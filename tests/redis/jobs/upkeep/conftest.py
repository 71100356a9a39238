"""What tests of jobs/upkeep on a real server share."""

import sys
from collections.abc import Callable

import pytest

from eva01.cli.main import main


@pytest.fixture
def command(redis_url, tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs `eva01 restore`; gives its exit code and what it printed on both streams."""
    for name, value in {"REDIS_URL": redis_url, "EVA01_DATA": str(tmp_path), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["eva01", "restore", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return command
