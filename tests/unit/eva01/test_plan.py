"""What `eva01 up` decides before it starts anything."""

import os
import socket
import sys
from typing import cast

import pytest

from eva01.cli.errors import CommandError
from eva01.launcher import hardware, ports, redis_server
from eva01.launcher.interrupts import Interrupts
from eva01.launcher.lock import only_one
from eva01.launcher.plan import cards_to_serve, make_plan, module_command, programs
from jobs.contract.settings import BadSetting, WorkerSettings
from tests.tools import VALKEY


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("EVA01_") or name in ("MODEL_NAME", "REDIS_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EVA01_DATA", str(tmp_path))
    monkeypatch.setenv("EVA01_PORT", "0")
    return monkeypatch


def names(chosen: str | None = None, *, can_use_gpu: bool) -> list[str]:
    cards = cards_to_serve(chosen, WorkerSettings.read(), can_use_gpu=can_use_gpu)
    return [card.name for card in cards]


def test_without_a_gpu_ocr_answers_first_and_nano_is_there():
    assert names(can_use_gpu=False) == ["ocr", "nano"]


def test_with_a_gpu_the_product_answers_first():
    assert names(can_use_gpu=True) == ["qwen2.5-vl-7b", "ocr"]


def test_a_model_name_set_on_purpose_is_served_without_a_gpu_too(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "some/Tiny-VL")
    assert names(can_use_gpu=False) == ["tiny-vl", "ocr", "nano"]


def test_the_model_chosen_answers_first_and_is_served_once():
    assert names("nano", can_use_gpu=False) == ["nano", "ocr"]
    assert names("other/Model-VL", can_use_gpu=True) == ["model-vl", "qwen2.5-vl-7b", "ocr"]


def test_a_model_that_is_called_as_a_bundled_one_is_served_in_its_place():
    cards = cards_to_serve("openai:nano", WorkerSettings.read(), can_use_gpu=False)
    assert [(card.name, card.source) for card in cards] == [
        ("nano", "openai:nano"),
        ("ocr", "bundled:rapidocr"),
    ]
    *_, worker, _ = programs(make_plan("openai:nano", can_use_gpu=False), "redis://127.0.0.1:1/0")
    assert worker.command[-1] == "openai:nano"


def test_of_models_that_are_named_none_is_left_out_for_its_name():
    with pytest.raises(CommandError, match="/a/final and /b/final are both called final"):
        cards_to_serve(None, WorkerSettings.read(), ["/a/final", "/b/final"], can_use_gpu=False)


@pytest.mark.parametrize("model_name", ["openai:nano", "someone/OCR", "/models/nano/"])
def test_a_model_name_that_would_be_taken_for_a_bundled_one_is_refused(monkeypatch, model_name):
    monkeypatch.setenv("MODEL_NAME", model_name)
    with pytest.raises(BadSetting, match="as a model that comes with EVA-01"):
        WorkerSettings.read()


def test_every_worker_has_its_model_and_a_port_of_its_own(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wished = taken.getsockname()[1]
        monkeypatch.setenv("EVA01_WORKER_PORT", str(wished))
        plan = make_plan("org/Any-VL", can_use_gpu=False)
    assert len({plan.port, wished, *plan.worker_ports}) == 5
    web, *workers = programs(plan, "redis://127.0.0.1:1/0")
    assert web.env["EVA01_MODELS"] == "any-vl,ocr,nano"
    assert [worker.command[-1] for worker in workers] == ["org/Any-VL", "ocr", "nano"]
    assert [worker.env["EVA01_WORKER_PORT"] for worker in workers] == [
        str(port) for port in plan.worker_ports
    ]
    assert [worker.log.name for worker in workers] == [
        "worker-any-vl.log",
        "worker-ocr.log",
        "worker-nano.log",
    ]


def test_models_offered_on_purpose_stay_offered(monkeypatch):
    monkeypatch.setenv("EVA01_MODELS", "nano,elsewhere")
    assert make_plan(None, can_use_gpu=False).env["EVA01_MODELS"] == "ocr,nano,elsewhere"


def test_the_models_that_are_named_are_served_and_no_others(monkeypatch, tmp_path):
    catalog = tmp_path / "models.yaml"
    catalog.write_text("models: [{name: shapes, source: nano}, {name: words, source: ocr}]")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVA01_CATALOG", "models.yaml")
    plan = make_plan(None, ("shapes", "ocr"), can_use_gpu=False)
    web, *workers = programs(plan, "redis://127.0.0.1:1/0")
    assert [worker.command[-1] for worker in workers] == ["shapes", "ocr"]
    assert web.env["EVA01_MODELS"] == "shapes,ocr"
    assert {part.env["EVA01_CATALOG"] for part in (web, *workers)} == {str(catalog)}
    chosen = make_plan("words", ("shapes",), can_use_gpu=False)
    assert [card.name for card in chosen.cards] == ["words", "shapes"]


def test_a_folder_called_as_a_listed_model_is_served_in_its_place(monkeypatch, tmp_path):
    (tmp_path / "models.yaml").write_text("models: [{name: shapes, source: nano}]")
    monkeypatch.setenv("EVA01_CATALOG", str(tmp_path / "models.yaml"))
    plan = make_plan("/models/shapes", ("shapes",), can_use_gpu=False)
    *_, worker = programs(plan, "redis://127.0.0.1:1/0")
    assert (len(plan.cards), worker.command[-1]) == (1, "/models/shapes")


def test_a_taken_port_is_refused_with_the_remedy(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("EVA01_PORT", str(taken.getsockname()[1]))
        with pytest.raises(CommandError, match="EVA01_PORT="):
            make_plan(None, can_use_gpu=False)


def test_the_page_of_a_server_for_everyone_is_reached_on_this_machine():
    assert ports.reachable("0.0.0.0") == "127.0.0.1"
    assert ports.reachable("::") == "[::1]"
    assert ports.reachable("::1") == "[::1]"
    assert ports.reachable("10.0.0.7") == "10.0.0.7"


@pytest.mark.parametrize(
    ("host", "hosts", "is_nameless"),
    [("127.0.0.1", "", False), ("0.0.0.0", "", True), ("::", "", True), ("0.0.0.0", "gpu-box", False)],
)
def test_a_server_for_everyone_that_knows_no_name_says_so(monkeypatch, host, hosts, is_nameless):
    monkeypatch.setenv("EVA01_HOST", host)
    monkeypatch.setenv("EVA01_HOSTS", hosts)
    assert make_plan(None, can_use_gpu=False).is_nameless is is_nameless


def test_a_folder_named_like_a_part_does_not_get_in_the_way():
    assert module_command("web") == [sys.executable, "-P", "-m", "web"]


def test_hidden_gpus_do_not_count(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not hardware.has_gpu()


def test_finding_out_about_gpus_does_not_import_torch():
    before = set(sys.modules)
    hardware.has_gpu()
    hardware.torch_knows_gpus()
    assert not {name for name in set(sys.modules) - before if name.startswith("torch")}


def test_a_data_folder_has_one_user(tmp_path):
    with only_one(tmp_path), pytest.raises(CommandError, match=f"process {os.getpid()}"), only_one(tmp_path):
        raise AssertionError("two at once")
    with only_one(tmp_path):
        pass


def test_a_redis_that_does_not_answer_is_said_without_its_password():
    with pytest.raises(CommandError) as caught:
        redis_server.check("redis://user:secret@127.0.0.1:9/0", timeout_s=1)
    assert "REDIS_URL=redis://***@127.0.0.1:9/0" in caught.value.message
    assert "secret" not in caught.value.message


def test_a_server_from_path_is_preferred_to_the_bundled_one(monkeypatch, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.executable() == str(program)
    program.unlink()
    assert redis_server.executable() == VALKEY.needed()


def test_a_second_ctrl_c_means_now():
    with Interrupts() as interrupts:
        assert not interrupts.is_set()
        os.kill(os.getpid(), 2)
        assert interrupts.is_set()
        assert not interrupts.is_hurried()
        os.kill(os.getpid(), 2)
        assert interrupts.is_hurried()


def test_a_port_that_is_taken_is_not_named_again():
    class Taken:
        """Holds the first that it is asked about, as if the system had named it before."""

        first: int | None = None

        def __contains__(self, port: object) -> bool:
            if self.first is None:
                self.first = cast(int, port)
            return port == self.first

    taken = Taken()
    assert ports.next_free("127.0.0.1", 0, taken) != taken.first
