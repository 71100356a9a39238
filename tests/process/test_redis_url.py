"""A REDIS_URL that cannot be read, whatever was started with it."""

import pytest

from tests.processes import Process, python

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("web", ()), ("worker", ("--model", "ocr")), ("eva01", ("up",)), ("eva01", ("restore",))],
)
def test_every_program_names_it_in_one_line_without_its_password_and_ends_with_2(tmp_path, module, arguments):
    env = {
        "REDIS_URL": "redis://:se#cret@127.0.0.1:1/0",
        "EVA01_DATA": str(tmp_path / "data"),
        "EVA01_PORT": "0",
        "EVA01_WORKER_PORT": "0",
    }
    process = Process.start(module, python(module, *arguments), env, tmp_path)
    assert process.wait() == 2, process.output()
    (line,) = [line for line in process.output().splitlines() if "REDIS_URL" in line]
    assert "REDIS_URL='redis://***@127.0.0.1:1/0'" in line
    assert "cret" not in process.output()
    assert "Traceback" not in process.output()
