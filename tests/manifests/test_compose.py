"""docker-compose.yaml, read without Docker: its names, ports, settings and times match the code."""

import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from jobs.contract.settings import Limits, Settings, WebSettings, WorkerSettings
from tests.manifests.dockerfile import read
from tests.manifests.test_upkeep import command_line
from tests.processes import Process, accepts_connections, free_port, wait_until
from tests.tools import VALKEY
from web.http.hosts import Hosts
from worker.drain import _GRACE_S

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = ("web", "worker", "worker-ocr")
#: Variables of a container besides our own settings.
OTHERS = {"HF_TOKEN", "NVIDIA_VISIBLE_DEVICES", "EVA01_KEY"}
CLASSIC = {"redis_url": "REDIS_URL", "model_name": "MODEL_NAME", "max_pixels": "MAX_PIXELS"}


def settings() -> set[str]:
    """Every variable that the code reads."""
    fields = [name for one in (Settings, Limits, WebSettings, WorkerSettings) for name in one.model_fields]
    return {CLASSIC.get(name, f"EVA01_{name.upper()}") for name in fields}


def image_env(service: str) -> dict[str, str]:
    """The environment of a service: its image's, and what compose adds."""
    *_, run = read(ROOT / SERVICES[service]["build"]["dockerfile"])
    return run.env | SERVICES[service]["environment"]


def made(folder: Path) -> dict[str, str]:
    """The variables that the command in the first lines makes, written to a file in `folder`."""
    lines = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8").splitlines()
    begin = next(n for n, line in enumerate(lines) if "umask" in line)
    command = "\n".join(line.removeprefix("#").split("     once:")[0] for line in lines[begin : begin + 2])
    subprocess.run(["sh", "-ec", command], cwd=folder, check=True)
    text = (folder / ".env").read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines())


def filled(text: str, variables: dict[str, str]) -> str:
    """A text of compose with its variables filled in; KeyError for one that is asked for and not there."""
    text = re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda one: variables[one[1]], text)
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda one: variables.get(one[1], one[2]), text)


def seconds(text: str) -> float:
    """The seconds of a duration in compose, such as 120s."""
    return float(text.removesuffix("s"))


def test_there_is_a_service_for_each_part():
    assert set(SERVICES) == {"redis", *OURS, "metrics-key", "prometheus", "grafana"}
    assert SERVICES["worker-ocr"]["profiles"] == ["ocr"]


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_one_that_the_code_reads(service):
    assert set(SERVICES[service]["environment"]) <= settings() | OTHERS


@pytest.mark.parametrize("service", OURS)
def test_redis_is_asked_where_it_is(service):
    url = filled(SERVICES[service]["environment"]["REDIS_URL"], {"REDIS_PASSWORD": "0a1b"})
    address = re.fullmatch(r"redis://:0a1b@([a-z]+):6379/0", url)
    assert address is not None, url
    assert address[1] in SERVICES
    assert SERVICES[service]["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_redis_is_the_one_of_the_cluster():
    base = yaml.safe_load((ROOT / "k8s" / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    (tag,) = [image["newTag"] for image in base["images"] if image["name"] == "valkey/valkey"]
    assert SERVICES["redis"]["image"] == f"valkey/valkey:{tag}"


def test_redis_forgets_nothing():
    command = SERVICES["redis"]["command"]
    told = dict(zip(command[1::2], command[2::2], strict=True))
    assert told["--appendonly"] == "yes"
    assert told["--maxmemory-policy"] == "noeviction"
    assert "ports" not in SERVICES["redis"]


@pytest.mark.parametrize("service", ["redis", "metrics-key", *OURS])
def test_nothing_starts_without_the_password_and_web_not_without_the_key(service):
    told = yaml.safe_dump(SERVICES[service], width=1000)
    assert "${REDIS_PASSWORD:?is not set. The first lines of docker-compose.yaml make it}" in told
    assert ("${EVA01_ADMIN_KEY:?" in told) is (service in ("web", "metrics-key"))


def test_the_command_in_the_first_lines_makes_both_for_their_owner_alone(tmp_path):
    first, second = made(tmp_path), made(tmp_path)
    assert set(first) == {"REDIS_PASSWORD", "EVA01_ADMIN_KEY"}
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert not set(first.values()) & set(second.values())
    assert re.fullmatch("[0-9a-f]{48}", first["REDIS_PASSWORD"]), "it becomes part of an address"
    key = first["EVA01_ADMIN_KEY"]
    assert WebSettings(admin_key=key).admin_key.get_secret_value() == key
    assert "/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.redis
def test_redis_answers_nobody_without_the_password_and_is_healthy_with_it(tmp_path):
    port, variables = free_port(), made(tmp_path)
    _, *arguments = (filled(one, variables) for one in SERVICES["redis"]["command"])
    command = [
        VALKEY.needed(),
        *arguments,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(tmp_path),
    ]
    process = Process.start("redis", command, {}, tmp_path)
    _, client, *check = SERVICES["redis"]["healthcheck"]["test"]
    assert client == "valkey-cli"

    def is_healthy(**env: str) -> bool:
        asked = [command_line(), "-p", str(port), *check]
        return not subprocess.run(asked, env=env, capture_output=True).returncode

    try:
        wait_until(lambda: accepts_connections(port), "Redis listens")
        told = {name: filled(one, variables) for name, one in SERVICES["redis"]["environment"].items()}
        assert is_healthy(**told)
        assert not is_healthy()
    finally:
        process.end()


def test_prometheus_asks_with_the_key_that_is_made_for_it():
    config = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text(encoding="utf-8"))
    (web,) = (job for job in config["scrape_configs"] if job["job_name"] == "web")
    (command,) = SERVICES["metrics-key"]["command"]
    assert subprocess.run(["sh", "-n", "-c", command]).returncode == 0
    assert command.endswith(">/keys/metrics")
    assert "keys:/keys" in SERVICES["metrics-key"]["volumes"]
    assert web["authorization"] == {"credentials_file": "/etc/prometheus/keys/metrics"}
    assert "keys:/etc/prometheus/keys:ro" in SERVICES["prometheus"]["volumes"]
    assert "metrics-key" in SERVICES["prometheus"]["depends_on"]
    # The volume belongs to whom the folder in the image does.
    assert any("/keys" in text for text in read(ROOT / "docker/web.Dockerfile")[-1].texts("RUN"))


def test_web_and_workers_share_the_images():
    assert all("data:/data" in SERVICES[service]["volumes"] for service in OURS)
    assert {image_env(service)["EVA01_DATA"] for service in OURS} == {"/data"}


@pytest.mark.parametrize("service", ["worker", "worker-ocr"])
def test_a_worker_is_not_killed_while_it_drains(service):
    drain_s = float(SERVICES[service]["environment"]["EVA01_DRAIN_S"])
    assert seconds(SERVICES[service]["stop_grace_period"]) > drain_s + _GRACE_S


def test_one_worker_has_a_gpu_and_ocr_has_none():
    (device,) = SERVICES["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert "deploy" not in SERVICES["worker-ocr"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_may_do_more_than_it_must(service):
    told = SERVICES[service]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid"} & set(told)


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_open_to_this_machine_alone(service):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_webs_port_is_the_one_it_listens_on():
    (port,) = SERVICES["web"]["ports"]
    assert port.split(":")[2] == image_env("web")["EVA01_PORT"]


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_of_one_version_and_what_is_mounted_is_there(service):
    assert re.search(r":(local|v?\d+\.\d+[\w.-]*)(@sha256:\w{64})?$", SERVICES[service]["image"])
    for volume in SERVICES[service]["volumes"]:
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume


def test_web_answers_to_the_name_that_other_services_ask_by():
    given = SERVICES["web"]["environment"]["EVA01_HOSTS"]
    hosts = Hosts(
        image_env("web")["EVA01_HOST"], WebSettings(hosts=given.replace("${EVA01_HOSTS:-}", "")).hosts
    )
    for host in ("web:8000", "127.0.0.1:8000", "localhost:8000", "172.18.0.4:8000"):
        assert hosts.has(host), host


def test_prometheus_asks_web_and_workers_on_their_own_ports():
    config = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text(encoding="utf-8"))
    found = [one for job in config["scrape_configs"] for one in job["dns_sd_configs"]]
    asked = {name: str(one["port"]) for one in found for name in one["names"]}
    listening = {name: image_env(name)["EVA01_WORKER_PORT"] for name in ("worker", "worker-ocr")}
    assert asked == {"web": image_env("web")["EVA01_PORT"], **listening}


def test_grafana_finds_prometheus_and_the_dashboards():
    folder = ROOT / "docker" / "grafana"
    (source,) = yaml.safe_load((folder / "datasources.yaml").read_text(encoding="utf-8"))["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert any(port.endswith(":9090") for port in SERVICES["prometheus"]["ports"])
    (provider,) = yaml.safe_load((folder / "dashboards.yaml").read_text(encoding="utf-8"))["providers"]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
