"""`eva01 up` with real parts: a folder answered, its exit codes, and no process left when it ends."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis
from PIL import Image, ImageDraw, ImageFont

from eva01.client.client import Client
from jobs.storage.connection.client import connect
from tests.files.drawing import Scene
from tests.processes import Process, answers_200, free_port, redis_answers, wait_until
from tests.tools import VALKEY

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

RED_CIRCLE = Scene("white", (("red", "circle"),))
BLUE_SQUARE = Scene("yellow", (("blue", "square"),))


@dataclass
class Run:
    """One `eva01 up` with a data folder of its own; its output is in a file."""

    folder: Path
    popen: "subprocess.Popen[bytes] | None" = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *arguments: str) -> "Run":
        """Start it in `folder`, on ports of the system's choice."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("EVA01_")}
        env |= {"EVA01_DATA": str(self.data), "EVA01_PORT": "0", "EVA01_WORKER_PORT": "0"}
        env |= {"EVA01_HEARTBEAT_S": "0.5", "COLUMNS": "200", **self.env}
        env["PYTHONPATH"] = str(Path(__file__).parents[2])
        env.pop("REDIS_URL", None)
        with (self.folder / "output").open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "eva01", "up", *arguments],
                cwd=self.folder,
                env={**env, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait(self) -> int:
        assert self.popen is not None
        return self.popen.wait(200)

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def wait_until_said(self, text: str) -> None:
        def is_said() -> bool:
            assert self.popen is not None
            assert self.popen.poll() is None or text in self.output(), self.output()
            return text in self.output()

        wait_until(is_said, f"{text!r} in the output", 200)

    @property
    def page(self) -> str:
        found = re.search(r"The page: (\S+)", self.output())
        assert found, self.output()
        return found[1]

    def process(self, part: str) -> psutil.Process:
        """The process of one part: `web`, `-m web`, `--model nano`, …"""
        [found] = [one for one in self.leaders() if part in " ".join(one.cmdline())]
        return found

    def leaders(self) -> list[psutil.Process]:
        assert self.popen is not None
        return psutil.Process(self.popen.pid).children()

    def end(self) -> None:
        if self.popen and self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait(60)


def eva01(*arguments: object, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "eva01", *map(str, arguments)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=100,
    )


def processes_of(data: Path) -> list[psutil.Process]:
    """Every process of this machine with this EVA01_DATA in its environment, and the Redis of the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("EVA01_DATA") == str(data) or process.cwd() == str(data / "redis")
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.end()


def write(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def text_image(text: str, path: Path) -> None:
    image = Image.new("RGB", (420, 90), "white")
    ImageDraw.Draw(image).text((20, 20), text, fill="black", font=ImageFont.load_default(36))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def test_a_folder_is_read_by_ocr_and_all_ends_with_0(run):
    images = run.folder / "images"
    text_image("INVOICE 4711", images / "one.png")
    text_image("TOTAL 12.50", images / "deep" / "two.jpg")
    write(images, notes_txt=b"not an image")
    assert run.start("images", "--exit").wait() == 0, run.output()
    results = rows(run.folder / "results.csv")
    assert sorted(results) == ["deep/two.jpg", "one.png"]
    assert "4711" in results["one.png"]["answer"]
    assert "12.50" in results["deep/two.jpg"]["answer"]
    for line in ("Redis ready", "web ready", "worker ocr ready", "worker nano ready", "The page: http://"):
        assert line in run.output()
    assert "Left out 1 other file." in run.output()
    assert "2 images answered, 0 not." in run.output()
    assert processes_of(run.data) == []
    assert {path.name for path in (run.data / "logs").iterdir()} == {
        "redis.log",
        "web.log",
        "worker-ocr.log",
        "worker-nano.log",
    }


def test_models_that_are_named_are_served_and_nothing_else(run):
    write(run.folder / "images", a_png=RED_CIRCLE.encode())
    (run.folder / "models.yaml").write_text("models: [{name: shapes, source: nano}]")
    run.env["EVA01_CATALOG"] = "models.yaml"
    asked = ("images", "--models", "shapes", "--question", "Describe this image.", "--exit")
    assert run.start(*asked).wait() == 0, run.output()
    assert rows(run.folder / "results.csv")["a.png"]["answer"] == RED_CIRCLE.description
    assert {path.name for path in (run.data / "logs").iterdir()} == {
        "redis.log",
        "web.log",
        "worker-shapes.log",
    }


def test_models_that_do_not_fit_into_memory_are_not_started(run):
    header = b'{"w": {"dtype": "F32", "shape": [1000000000000000], "data_offsets": [0, 0]}}'
    weights = len(header).to_bytes(8, "little") + header
    write(run.folder / "huge", model_safetensors=weights)
    assert run.start("--models", "nano,./huge").wait() == 2
    assert "The models do not fit together: they need 4 PB of memory" in run.output()
    assert "huge 4 PB" in run.output()
    assert not (run.data / "logs").exists()


def test_one_broken_image_means_1_and_its_reason_is_in_table_and_file(run):
    write(
        run.folder / "images",
        circle_png=RED_CIRCLE.encode(),
        square_png=BLUE_SQUARE.encode(),
        broken_png=RED_CIRCLE.encode()[:200],
    )
    arguments = ("images", "--models", "nano", "--out", "out/answers.csv", "--exit")
    assert run.start(*arguments).wait() == 1, run.output()
    results = rows(run.folder / "out" / "answers.csv")
    assert results["circle.png"]["answer"] == RED_CIRCLE.description
    assert results["square.png"]["answer"] == BLUE_SQUARE.description
    assert results["broken.png"]["state"] == "failed"
    assert results["broken.png"]["error_code"] in run.output()
    assert "2 images answered, 1 not." in run.output()
    assert processes_of(run.data) == []


def test_what_keeps_it_from_running_is_one_line_and_2(run):
    (run.folder / "empty").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run.env = {"EVA01_PORT": str(port)}
        assert run.start().wait() == 2
    run.env = {}
    assert run.start("empty").wait() == 2
    run.env = {"REDIS_URL": "redis://127.0.0.1:9/0"}
    assert run.start().wait() == 2
    run.env = {"EVA01_HOST": "0.0.0.0"}
    assert run.start().wait() == 2
    run.env = {"EVA01_PORT": "eight"}
    assert run.start().wait() == 2
    run.env = {}
    write(run.folder / "images", circle_png=RED_CIRCLE.encode())
    made = eva01("keys", "add", "--owner", "anna", "--role", "admin", EVA01_DATA=str(run.data), REDIS_URL="")
    assert made.returncode == 0, made.stderr
    assert run.start("images").wait() == 2
    assert f"Port {port} on 127.0.0.1 is taken" in run.output()
    assert "Nothing to send in empty. There: nothing." in run.output()
    assert "REDIS_URL=redis://127.0.0.1:9/0: no answer" in run.output()
    assert "EVA01_HOST='0.0.0.0': others than this machine reach it, and there is no key" in run.output()
    assert "EVA01_PORT='eight'" in run.output()
    assert "A folder can be sent here with a key alone, and there is none. Set EVA01_KEY" in run.output()
    assert "Starting" not in run.output()
    assert "Traceback" not in run.output()
    assert processes_of(run.data) == []


def test_it_serves_until_told_to_stop_and_starts_again_what_dies(run):
    run.start().wait_until_said("Ctrl-C stops everything.")
    page, lines = run.page, run.output()

    second = eva01("up", EVA01_DATA=str(run.data), EVA01_PORT=page.rpartition(":")[2])
    assert second.returncode == 2
    assert "Another `eva01 up`" in second.stderr

    before = {part: run.process(part).pid for part in ("-m web", "--model nano", "-server 127.0.0.1")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: run.output().count("starting it again") >= 3, "three lines about it")
    wait_until(lambda: answers_200(f"{page}/ready"), "web is ready again")
    assert "(SIGKILL" in run.output().removeprefix(lines)

    write(run.folder, circle_png=RED_CIRCLE.encode())
    asked = ("-q", "Describe this image.", "-m", "nano", "--server", page, "--json")
    submitted = eva01("submit", run.folder / "circle.png", *asked)
    assert submitted.returncode == 0, submitted.stderr
    with Client(page) as client:
        [job] = client.results(json.loads(submitted.stdout)["id"])
        assert job.answer == RED_CIRCLE.description
        assert [model.name for model in client.models()] == ["ocr", "nano"]

    assert run.popen is not None
    run.popen.send_signal(signal.SIGTERM)
    assert run.wait() == 0, run.output()
    assert processes_of(run.data) == []


SECRETS = {
    "HF_TOKEN": "MARKED-token-of-hub",
    "AWS_SECRET_ACCESS_KEY": "MARKED-key-of-cloud",
    "SOME_PASSWORD": "MARKED-of-nobody",
}


def environment_of(process: psutil.Process) -> str:
    return " ".join(f"{name}={value}" for name, value in process.environ().items())


def test_its_redis_asks_for_a_password_and_no_part_tells_a_secret(run):
    images = write(run.folder / "images", circle_png=RED_CIRCLE.encode())
    run.data.mkdir(mode=0o755)
    run.data.chmod(0o755)
    run.env = SECRETS
    run.start("images", "--model", "nano").wait_until_said("1 image answered")
    password = (run.data / "redis" / "password").read_text()
    found = re.search(r"redis://127\.0\.0\.1:(\d+)/0\S*", run.output())
    assert found

    with connect(f"redis://127.0.0.1:{found[1]}/0") as stranger, pytest.raises(redis.AuthenticationError):
        stranger.get("eva01:models")
    with connect(found[0]) as ours:
        assert ours.hlen("eva01:models")

    parts = {"-server 127.0.0.1": (), "-m web": (), "--model nano": ("hub",), "--model ocr": ("hub",)}
    for part, marks in parts.items():
        process = run.process(part)
        seen = environment_of(process) + " ".join(process.cmdline())
        assert re.findall(r"MARKED\S*-(\w+)", seen) == list(marks), part
        assert password not in seen, part

    keys = {"EVA01_DATA": str(run.data), "REDIS_URL": ""}
    made = eva01("keys", "add", "--owner", "anna", "--role", "admin", **keys)
    assert made.returncode == 0, made.stderr
    assert eva01("status", "--server", run.page).returncode == 2
    assert eva01("status", "--server", run.page, EVA01_KEY=made.stdout.strip()).returncode == 0
    assert eva01("keys", "revoke", made.stdout[:14], **keys).returncode == 0
    assert eva01("status", "--server", run.page, EVA01_KEY=made.stdout.strip()).returncode == 2

    shutil.rmtree(images)
    restored = eva01("restore", EVA01_DATA=str(run.data), REDIS_URL="")
    assert (restored.returncode, "Nothing was missing" in restored.stdout) == (0, True), restored.stderr

    run.end()
    said = run.output() + "".join(log.read_text() for log in (run.data / "logs").iterdir())
    assert password not in said
    assert "MARKED" not in said
    assert "was open to others (rights 0755)" in said
    assert {path.stat().st_mode & 0o077 for path in (run.data, *run.data.rglob("*"))} == {0}
    # Pytest's own umask is the user's.
    os.umask(umask := os.umask(0))
    assert (run.folder / "results.csv").stat().st_mode & 0o777 == 0o666 & ~umask


def test_the_data_of_a_redis_without_a_password_goes_on(run):
    folder = run.data / "redis"
    folder.mkdir(parents=True)
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "appendonly": "yes", "save": ""}
    arguments = [str(text) for name, value in options.items() for text in (f"--{name}", value)]
    before = Process.start("redis", [VALKEY.needed(), *arguments], {}, run.folder)
    try:
        wait_until(lambda: redis_answers(port), "the server answers")
        with connect(f"redis://127.0.0.1:{port}/0") as client:
            client.set("of-before", "here")
    finally:
        before.end()
    run.start().wait_until_said("Redis ready")
    found = re.search(r"redis://\S+", run.output())
    assert found
    with connect(found[0]) as client:
        assert client.get("of-before") == "here"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has ended")
def test_nothing_outlives_it_when_it_is_killed_and_the_next_one_goes_on(run):
    run.start("--models", "ocr").wait_until_said("web ready")
    assert run.popen is not None
    run.popen.kill()
    run.wait()
    wait_until(lambda: not processes_of(run.data), "all parts have ended")
    for number in range(120):
        text_image(f"NUMBER {number}", run.folder / "images" / f"{number}.png")
    run.start("images", "--models", "ocr").wait_until_said("Sent 120 of 120 files.")
    run.popen.send_signal(signal.SIGINT)
    assert run.wait() == 130, run.output()
    assert "is not finished; it goes on with the next `eva01 up`" in run.output()
    assert processes_of(run.data) == []


def test_a_part_alone_ends_with_its_own_reason_and_code():
    web = eva01("web", EVA01_PORT="eight")
    assert (web.returncode, "EVA01_PORT='eight'" in web.stderr) == (2, True)
    worker = eva01("worker", "--model", "ocr", EVA01_SLOTS="many")
    assert (worker.returncode, "EVA01_SLOTS='many'" in worker.stderr) == (2, True)
