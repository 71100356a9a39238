"""The two distributions: what is in their wheels, and both used from environments of their own."""

import re
import sys
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests.files.drawing import Scene
from tests.process.conftest import Stack
from tests.process.environments import ROOT, Environment, build_wheel, copy_sources

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

RED_CIRCLE = Scene("white", (("red", "circle"),))
OF_THE_SERVER = ("up", "web", "worker", "restore", "adopt", "keys")

RIGHT = """
from eva01 import Client, ClientError, Job

def answers(server: str, batch_id: str) -> dict[str, str | None]:
    with Client(server) as client:
        return {job.file: job.answer for job in client.results(batch_id)}
"""
WRONG = """
from eva01 import Client

total: str = Client().batch("b").total
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_sources(tmp_path_factory.mktemp("sources") / "repository")


@pytest.fixture(scope="module")
def client_wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(sources / "eva01", tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def server_wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(sources, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def client(client_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the client and its dependencies only."""
    environment = Environment(tmp_path_factory.mktemp("environment") / "client")
    environment.install(str(client_wheel))
    return environment


@pytest.fixture(scope="module")
def server(client_wheel: Path, server_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A server's environment: both wheels, and the packages of the tests' environment."""
    environment = Environment(tmp_path_factory.mktemp("environment") / "server")
    environment.install("--no-deps", str(client_wheel), str(server_wheel))
    environment.borrow_packages()
    return environment


def content(wheel: Path) -> set[str]:
    """The files that a wheel installs, without its metadata."""
    names = ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    """The metadata of a wheel."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def files(*folders: Path) -> set[Path]:
    """All files in these folders and those below."""
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def folder_of_one(parent: Path) -> Path:
    """A folder with one image."""
    folder = parent / "images"
    folder.mkdir()
    (folder / "a.png").write_bytes(RED_CIRCLE.encode())
    return folder


def test_the_clients_wheel_has_the_client_and_the_command_and_not_the_launcher(sources, client_wheel):
    package = sources / "eva01"
    wanted = files(package) - files(package / "launcher", package / "eva01.egg-info", package / "build")
    wanted -= {package / "pyproject.toml", package / "version.txt"}
    assert content(client_wheel) == {str(path.relative_to(sources)) for path in wanted}


def test_the_servers_wheel_has_every_file_of_the_server_and_nothing_of_the_client(sources, server_wheel):
    rooms = (sources / room for room in ("jobs", "web", "worker", "eva01/launcher"))
    assert content(server_wheel) == {str(path.relative_to(sources)) for path in files(*rooms)}


def test_the_client_needs_four_packages(client_wheel):
    needed = {Requirement(line).name for line in metadata(client_wheel).get_all("Requires-Dist", [])}
    assert needed == {"click", "httpx", "pydantic", "rich"}


def test_both_have_the_version_of_the_one_file(client_wheel, server_wheel):
    version = (ROOT / "eva01" / "version.txt").read_text("utf-8").strip()
    assert metadata(client_wheel)["Version"] == version
    assert metadata(server_wheel)["Version"] == version


def test_the_client_brings_nothing_of_the_server_along(client):
    there = {path.name for path in client.packages.iterdir()}
    assert there >= {"eva01", "click", "httpx", "pydantic", "rich"}
    servers = {"jobs", "web", "worker", "scripts", "tests", "celery", "kombu", "redis", "flask"}
    assert there.isdisjoint(servers)


def test_a_type_checker_sees_the_clients_types(client, tmp_path):
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", client.python)
    checked = client.run(*mypy, "right.py", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    checked = client.run(*mypy, "wrong.py", cwd=tmp_path)
    assert '(expression has type "int", variable has type "str")' in checked.stdout


def test_the_readmes_program_and_the_command_get_answers_from_a_server(client, nano_stack: Stack, tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    program = program.replace("http://127.0.0.1:8000", nano_stack.url)
    # -I keeps the working directory, which is the repository, off the path.
    done = client.run(client.python, "-I", "-c", program, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "red-circle.png sent" in done.stdout
    assert re.search(r"^red-circle\.png A .*circle", done.stdout, re.MULTILINE), done.stdout

    folder = folder_of_one(tmp_path)
    asked = ("submit", folder, "-q", "Describe this image.", "-m", "nano", "--server", nano_stack.url)
    done = client.run(client.command, *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 image answered, 0 not." in done.stdout


def test_without_the_server_its_commands_are_not_offered_and_say_what_to_install(client, tmp_path):
    offered = client.run(client.command, "--help", cwd=tmp_path).stdout
    assert "  submit " in offered
    for command in OF_THE_SERVER:
        assert f"  {command} " not in offered
        done = client.run(client.command, command, "--help", cwd=tmp_path)
        assert done.returncode == 2
        (said,) = done.stderr.splitlines()
        assert said.startswith(f"eva01: `eva01 {command}` needs the server")
        assert "scripts/up" in said


def test_with_the_server_the_command_answers_a_folder_with_installed_code(server, tmp_path):
    offered = server.run(server.command, "--help", cwd=tmp_path).stdout
    assert all(f"  {command} " in offered for command in OF_THE_SERVER)
    program = "import eva01.launcher, jobs, web, worker\n"
    program += "print(*(one.__file__ for one in (eva01, jobs, web, worker)))"
    places = server.run(server.python, "-I", "-c", program, cwd=tmp_path)
    assert places.returncode == 0, places.stderr
    assert {Path(place).parents[1] for place in places.stdout.split()} == {server.packages}

    folder = folder_of_one(tmp_path)
    env = {"EVA01_DATA": str(tmp_path / "data"), "EVA01_PORT": "0", "EVA01_WORKER_PORT": "0"}
    done = server.run(server.command, "up", folder, "--model", "nano", "--exit", cwd=tmp_path, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert RED_CIRCLE.description in done.stdout
    assert "1 image answered, 0 not." in done.stdout
