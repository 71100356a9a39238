"""The images: what the Dockerfiles say, and the steps of web's done as plain commands, without Docker."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import plain
from tests.manifests.dockerfile import Stage, read
from tests.processes import Process, free_port
from tests.redis.worker.test_remote import Server
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, WorkerProcesses

ROOT = Path(__file__).parents[2]
IMAGES = ("web", "worker")
#: Where both Dockerfiles put the environment.
HOME = "/opt/eva01"


def stages(image: str) -> list[Stage]:
    """The stages of an image's Dockerfile."""
    return read(ROOT / "docker" / f"{image}.Dockerfile")


def pins(lock: str) -> dict[str, str]:
    """The version of each package of a lock."""
    text = (ROOT / "docker" / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def needed(*extras: str) -> list[Requirement]:
    """What setup.cfg says that the server needs with these extras."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    sections = [config["options"]["install_requires"]]
    sections += [config["options.extras_require"][extra] for extra in extras]
    lines = [line.split("#")[0].strip() for section in sections for line in section.splitlines()]
    return [Requirement(line) for line in lines if line]


def needed_by_the_command() -> list[Requirement]:
    """What eva01/pyproject.toml says that the client and the command need."""
    project = tomllib.loads((ROOT / "eva01" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_a_user_that_kubernetes_can_see_is_not_root(image):
    *_, run = stages(image)
    assert run.texts("USER") == ["10001:10001"]
    assert any("useradd --uid 10001" in text for text in run.texts("RUN"))


@pytest.mark.parametrize("image", IMAGES)
def test_what_builds_an_image_is_not_in_it(image):
    build, run = stages(image)
    assert [text for text in build.texts("RUN") if "pip install" in text]
    assert not [text for text in run.texts("RUN") if "pip" in text]
    assert run.texts("COPY") == [f"--from=build {HOME} {HOME}"]


@pytest.mark.parametrize("image", IMAGES)
def test_base_images_are_of_one_exact_version(image):
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert {stage.texts("FROM")[0].split()[0] for stage in stages(image)} == {"${BASE}"}


@pytest.mark.parametrize("lock", ["web", "worker", "worker-cpu", "ocr", "openai", "vllm"])
def test_a_lock_has_all_that_its_distributions_need_in_versions_that_they_allow(lock):
    requirements = {
        "web": needed("web") + needed_by_the_command(),
        "worker": needed("worker", "ocr"),
        "worker-cpu": needed("worker", "ocr"),
        "ocr": needed("ocr"),
        "openai": needed("openai"),
        "vllm": needed("vllm"),
    }[lock]
    for requirement in requirements:
        pin = pins(lock).get(canonicalize_name(requirement.name))
        assert pin, f"docker/locks/{lock}.txt has no {requirement.name}: run scripts/lock"
        assert requirement.specifier.contains(pin), f"{requirement} does not allow {pin}: run scripts/lock"


def test_the_lock_for_cpus_has_torch_without_cuda():
    assert pins("worker-cpu")["torch"] == f"{pins('worker')['torch']}+cpu"
    assert [name for name in pins("worker-cpu") if name.startswith("nvidia-")] == []
    assert "torch" not in pins("ocr").keys() | pins("web").keys() | pins("openai").keys()


@pytest.mark.parametrize("image", IMAGES)
def test_packages_are_installed_by_their_hashes_and_ours_without_any_index(image):
    build, _ = stages(image)
    others, ours = [text for text in build.texts("RUN") if "pip install" in text]
    assert {"--require-hashes", "--only-binary"} <= set(others.split())
    assert {"--no-index", "--no-build-isolation"} <= set(ours.split())
    assert ours.endswith("pip check")


@pytest.mark.parametrize("image", IMAGES)
def test_debians_packages_are_installed_alone_and_their_lists_not_kept(image):
    for text in (text for stage in stages(image) for text in stage.texts("RUN") if "apt-get" in text):
        assert "--no-install-recommends" in text
        assert text.endswith("rm -rf /var/lib/apt/lists/*")


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_copied_is_there_and_sent_to_the_builder(image):
    build, _ = stages(image)
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line.removeprefix("!") for line in kept if line.startswith("!")]
    for text in build.texts("COPY"):
        for source in text.split()[:-1]:
            assert (ROOT / source).exists()
            above = [str(path) for path in (Path(source), *Path(source).parents)]
            assert any(fnmatch(path, pattern) for path in above for pattern in allowed), (
                f".dockerignore leaves {source} out"
            )


@pytest.mark.parametrize("image", IMAGES)
def test_nothing_is_fetched_but_packages_and_nothing_is_secret(image):
    for stage in stages(image):
        assert {one.name for one in stage.instructions}.isdisjoint({"ADD", "SHELL", "ONBUILD"})
        assert not [text for text in stage.texts("RUN") if re.search(r"\b(curl|wget|git|sudo)\b", text)]
        named = " ".join(stage.texts("ARG") + stage.texts("ENV"))
        assert not re.search(r"PASSWORD|TOKEN|SECRET|_KEY", named)
        assert all(Path(text).is_absolute() for text in stage.texts("WORKDIR"))


def test_the_default_worker_has_every_engine():
    build, _ = stages("worker")
    assert "LOCK=worker" in build.texts("ARG")


class Built:
    """An image's build stage, executed in a folder with these arguments; the environment is in `home`."""

    def __init__(self, image: str, folder: Path, **arguments: str) -> None:
        build, self.run = stages(image)
        self.home = folder / "home"
        self._source = folder / "src"
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # Compiling bytecode would take longer than it saves.
        self._env = os.environ | {"PATH": path, "PIP_NO_COMPILE": "1", **arguments}
        self._env.pop("PYTHONPATH", None)
        for instruction in build.instructions:
            if instruction.name == "COPY":
                self._copy(*instruction.words)
            elif instruction.name == "RUN":
                self._do(instruction.text.replace(HOME, str(self.home)))

    def _copy(self, *words: str) -> None:
        *sources, target = words
        for name in sources:
            source, place = ROOT / name, self._source / target
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
                shutil.copytree(source, place, ignore=ignored, dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)

    def _do(self, command: str) -> None:
        done = subprocess.run(
            ["sh", "-ec", command], cwd=self._source, env=self._env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def packages(self) -> set[str]:
        """The names of what can be imported from the environment."""
        (folder,) = self.home.glob("lib/python3*/site-packages")
        return {path.name for path in folder.iterdir() if path.is_dir()}

    def command(self, words: list[str]) -> list[str]:
        """A command of the image, with the environment's own Python."""
        assert words[0] == "python"
        return [str(self.home / "bin" / "python"), *words[1:]]


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Built:
    """Web's image, built."""
    return Built("web", tmp_path_factory.mktemp("image"))


@pytest.mark.process
@pytest.mark.timeout(600)
def test_webs_steps_make_an_environment_without_torch_that_serves_and_is_healthy(web, redis_url, tmp_path):
    assert web.packages() >= {"web", "jobs", "eva01", "flask"}
    assert web.packages().isdisjoint({"worker", "torch", "onnxruntime"})
    port = free_port()
    key = "eva01_of-the-image-that-this-test-has-built"
    env = {**web.run.env, "EVA01_DATA": str(tmp_path), "EVA01_PORT": str(port), "REDIS_URL": redis_url}
    env["EVA01_ADMIN_KEY"] = key
    env.pop("PATH")
    (entrypoint,) = [one for one in web.run.instructions if one.name == "ENTRYPOINT"]
    process = Process.start("web", web.command(entrypoint.words), env, tmp_path)
    try:
        process.wait_until_ready(f"http://127.0.0.1:{port}/ready")
        page = plain.get(f"http://127.0.0.1:{port}/", headers={"Authorization": f"Bearer {key}"})
        assert "EVA-01" in page.text
        checked = subprocess.run(web.command(web.run.healthcheck), env=os.environ | env)
        assert checked.returncode == 0
    finally:
        process.end()
    checked = subprocess.run(web.command(web.run.healthcheck), env=os.environ | env, capture_output=True)
    assert checked.returncode != 0


@pytest.mark.process
@pytest.mark.timeout(600)
def test_a_worker_of_the_lock_openai_asks_another_server_and_has_no_other_engine(tmp_path):
    worker = Built("worker", tmp_path, LOCK="openai", TORCH_CPU="")
    assert worker.packages() >= {"worker", "jobs", "httpx"}
    assert worker.packages().isdisjoint({"web", "eva01", "torch", "transformers", "onnxruntime"})
    (entrypoint,) = [one for one in worker.run.instructions if one.name == "ENTRYPOINT"]
    command = worker.command(entrypoint.words[entrypoint.words.index("python") :])
    workers = WorkerProcesses(tmp_path)
    try:
        workers.start_redis()
        with Server(tmp_path) as server:
            env = {"PYTHONPATH": "", "EVA01_OPENAI_URL": server.start().url}
            workers.run([*command, "--model", f"openai:{MODEL}"], **env).wait_until_ready()
            assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    finally:
        workers.end()


@pytest.mark.process
@pytest.mark.timeout(600)
@pytest.mark.parametrize("module", ["eva01", "scripts.stressing"])
def test_webs_image_has_the_command_for_drills(web, module):
    done = subprocess.run(
        web.command(["python", "-P", "-m", module, "--help"]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
