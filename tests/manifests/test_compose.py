"""docker-compose.yaml, read without Docker: its names, ports, settings and times match the code."""

import re
from pathlib import Path

import pytest
import yaml

from jobs.contract.settings import Limits, Settings, WebSettings, WorkerSettings
from tests.manifests.dockerfile import read
from web.http.hosts import Hosts
from worker.drain import _GRACE_S

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = ("web", "worker", "worker-ocr")
#: Variables of a container besides our own settings.
OTHERS = {"HF_TOKEN", "NVIDIA_VISIBLE_DEVICES"}
CLASSIC = {"redis_url": "REDIS_URL", "model_name": "MODEL_NAME", "max_pixels": "MAX_PIXELS"}


def settings() -> set[str]:
    """Every variable that the code reads."""
    fields = [name for one in (Settings, Limits, WebSettings, WorkerSettings) for name in one.model_fields]
    return {CLASSIC.get(name, f"EVA01_{name.upper()}") for name in fields}


def image_env(service: str) -> dict[str, str]:
    """The environment of a service: its image's, and what compose adds."""
    *_, run = read(ROOT / SERVICES[service]["build"]["dockerfile"])
    return run.env | SERVICES[service]["environment"]


def seconds(text: str) -> float:
    """The seconds of a duration in compose, such as 120s."""
    return float(text.removesuffix("s"))


def test_there_is_a_service_for_each_part():
    assert set(SERVICES) == {"redis", *OURS, "prometheus", "grafana"}
    assert SERVICES["worker-ocr"]["profiles"] == ["ocr"]


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_one_that_the_code_reads(service):
    assert set(SERVICES[service]["environment"]) <= settings() | OTHERS


@pytest.mark.parametrize("service", OURS)
def test_redis_is_asked_where_it_is(service):
    url = SERVICES[service]["environment"]["REDIS_URL"]
    address = re.fullmatch(r"redis://([a-z]+):6379/0", url)
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
    assert re.search(r":(local|v?\d+\.\d+[\w.-]*)$", SERVICES[service]["image"])
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
