"""The configuration of Redis, and the scripts of CronJobs, run by the real programs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.storage.connection.client import connect
from tests.manifests.rendering import Object, of_kind, render, template
from tests.processes import free_port, redis_answers, wait_until
from tests.tools import VALKEY

#: Beside the server in its wheel.


def settings_of_redis() -> str:
    """The file that the base gives to Redis."""
    (settings,) = (one for one in of_kind(render("base"), "ConfigMap") if "redis.conf" in one["data"])
    text: str = settings["data"]["redis.conf"]
    return text


def container_of(cron_job: str, kind: str = "containers") -> Object:
    """The container of a CronJob, or its init container."""
    (job,) = (one for one in of_kind(render("base"), "CronJob") if one["metadata"]["name"] == cron_job)
    pod: Any = template(job)
    (container,) = pod["spec"][kind]
    return container


def script_of(container: Object, folder: Path) -> str:
    """The script of a container, with `folder` in place of its mounted one."""
    (script,) = container["args"]
    for mount in container["volumeMounts"]:
        script = script.replace(f"{mount['mountPath']}/", f"{folder}/").replace(
            f"{mount['mountPath']} ", f"{folder} "
        )
    return script


def command_line() -> str:
    """The client that comes with the server."""
    server = Path(VALKEY.needed())
    return str(server.with_name(server.name.replace("-server", "-cli")))


class Server:
    """Redis with the settings of the base and a password, as its pod starts it."""

    def __init__(self, folder: Path) -> None:
        self._port, self._folder, self._file = free_port(), folder, folder / "redis.conf"
        self._file.write_text(settings_of_redis().replace("dir /data", f"dir {folder}"))
        self.client = connect(f"redis://:secret@127.0.0.1:{self._port}/0")

    def start(self) -> None:
        command = [VALKEY.needed(), str(self._file), "--port", str(self._port)]
        self._process = subprocess.Popen([*command, "--requirepass", "secret"], stdout=subprocess.DEVNULL)
        wait_until(lambda: redis_answers(self._port), "the server answers")
        wait_until(lambda: not self.client.info("persistence")["loading"], "its file is read")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(15)

    def snapshot(self, path: Path) -> None:
        """What the backup's first container does."""
        command = [command_line(), "-p", str(self._port), "--rdb", str(path)]
        subprocess.run(command, env={"REDISCLI_AUTH": "secret"}, check=True, capture_output=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "data"
    folder.mkdir()
    made = Server(folder)
    made.start()
    yield made
    made.client.close()
    made.stop()


@pytest.mark.redis
def test_redis_takes_its_settings_and_forgets_and_evicts_nothing(server):
    said = server.client.config_get("append*", "maxmemory*", "save")
    assert said["appendonly"] == "yes"
    assert said["appendfsync"] == "everysec"
    assert said["maxmemory-policy"] == "noeviction"
    # Half of its container's limit (6 GiB): a rewrite of the append-only file may need as much again.
    assert int(said["maxmemory"]) == 3 * 1024**3


@pytest.mark.redis
def test_a_night_s_backup_comes_back_and_what_was_there_is_kept(server, tmp_path):
    blobs, backup, data = tmp_path / "blobs", tmp_path / "backup", tmp_path / "data"
    blobs.mkdir()
    backup.mkdir()
    env = {
        "EVA01_BLOBS": blobs.as_uri(),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PATH": f"{Path(command_line()).parent}:{os.environ['PATH']}",
    }

    def run(command: list[str], script: str) -> None:
        done = subprocess.run([*command, script], env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    # An older backup, which must not be restored.
    (blobs / "backups").mkdir()
    (blobs / "backups" / "redis-Old.rdb").write_bytes(b"REDIS0011")
    os.utime(blobs / "backups" / "redis-Old.rdb", (1, 1))
    server.client.set("eva01:job:1", "of the backup")
    server.snapshot(backup / "redis.rdb")
    run([sys.executable, "-c"], script_of(container_of("redis-backup"), backup))
    assert len(list((blobs / "backups").iterdir())) == 2

    # Everything but the blob store is lost; Redis is stopped.
    server.client.flushall()
    server.client.set("eva01:job:2", "after the loss")
    server.stop()
    run([sys.executable, "-c"], script_of(container_of("redis-restore", "initContainers"), data))
    load = container_of("redis-restore")
    run(load["command"], script_of(load, data))
    server.start()
    assert server.client.get("eva01:job:1") == "of the backup"
    assert not server.client.exists("eva01:job:2")
    assert (data / "before" / "appendonlydir").is_dir()


def test_the_stress_test_asks_for_what_there_is():
    container = container_of("stress-test")
    module = container["command"][-1]
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    )
    options = [argument for argument in container["args"] if argument.startswith("--")]
    assert options
    assert [option for option in options if option not in done.stdout] == []
