"""Models that cannot be loaded: what is wrong with each has its own sentence, and a remedy that is true."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import transformers
from huggingface_hub import hf_hub_download
from transformers import AutoModelForImageTextToText

from jobs.contract.catalog import card_for
from jobs.contract.settings import WorkerSettings
from tests.families.miniatures import NANO
from worker.engines import create_engine
from worker.engines.base import ModelNotLoaded
from worker.engines.weights.quantised import check_quantised
from worker.engines.weights.remedies import remedy_of
from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of nano."""
    return Path(shutil.copytree(NANO, tmp_path / "copy"))


def refusal(address: Path | str) -> str:
    """Why it is not loaded, and the remedy."""
    with pytest.raises(ModelNotLoaded) as caught:
        create_engine(card_for(str(address)), WorkerSettings(device="cpu")).load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(folder: Path, **more: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


# Folders


@pytest.mark.parametrize("address", ["/models/nothing", "./nothing", "models/of/mine", "~/nothing"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(address):
    said = refusal(address)
    assert f"there is no folder {address}, as seen from {Path.cwd()}" in said
    assert "Remedy: check MODEL_NAME" in said


def test_a_file_in_the_place_of_a_folder_is_called_one(folder):
    said = refusal(folder / "config.json")
    assert f"{folder}/config.json is a file. Remedy: name a folder in MODEL_NAME" in said


def test_a_folder_without_settings_says_so(folder):
    (folder / "config.json").unlink()
    assert f"there is no config.json in {folder}" in refusal(folder)


def test_a_folder_without_a_processor_says_so(folder):
    (folder / "preprocessor_config.json").unlink()
    assert "Remedy: get the folder anew, with preprocessor_config.json" in refusal(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_in_the_place_of_a_file_is_named(folder, name):
    (folder / name).write_text(POINTER)
    said = refusal(folder)
    assert f"{name} only says where Git LFS has it" in said
    assert "Remedy: run `git lfs pull`" in said


@pytest.mark.parametrize(
    "name", ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json"]
)
def test_a_file_of_settings_that_is_cut_is_named(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    said = refusal(folder)
    assert f"{name} is cut, or no JSON object" in said
    assert "Remedy: get the folder anew; `hf download" in said


def test_a_folder_without_a_tokenizer_says_so(folder):
    (folder / "tokenizer.json").unlink()
    said = refusal(folder)
    assert "there is no tokenizer.json in it, nor another tokenizer's files" in said
    assert "Remedy: get the folder anew; `hf download" in said


@pytest.mark.parametrize("kept", [0.5, 0.001])
def test_weights_that_are_cut_say_how_much_is_there(folder, kept):
    whole = (folder / "model.safetensors").read_bytes()
    there = int(len(whole) * kept)
    (folder / "model.safetensors").write_bytes(whole[:there])
    said = refusal(folder)
    assert f"model.safetensors is cut: it has {there:,} bytes of " in said
    assert "Remedy: get the folder anew; `hf download" in said


def test_a_part_of_the_weights_that_is_missing_is_named(folder):
    (folder / "model.safetensors").unlink()
    AutoModelForImageTextToText.from_pretrained(NANO).save_pretrained(folder, max_shard_size="2MB")
    parts = sorted(folder.glob("model-*"))
    parts[1].unlink()
    assert f"1 of its {len(parts)} files of weights are missing: {parts[1].name}" in refusal(folder)


@pytest.mark.parametrize("index", [None, "{", '{"weight_map": {}}'])
def test_parts_of_weights_without_a_word_of_what_they_hold_are_refused(folder, index):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    if index:
        (folder / "model.safetensors.index.json").write_text(index)
    said = refusal(folder)
    assert "there is no model.safetensors, and no model.safetensors.index.json that says" in said
    assert "Remedy: get the folder anew; `hf download" in said


def test_weights_of_llama_cpp_are_served_by_it(folder):
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")
    said = refusal(folder)
    assert "its weights are llama.cpp's (model-Q4_K_M.gguf)" in said
    assert "ask it as openai:NAME" in said


# Families


def test_a_model_that_reads_text_alone_is_refused_as_that(folder):
    change(folder, model_type="llama", architectures=["LlamaForCausalLM"])
    said = refusal(folder)
    assert "its family 'llama' answers no questions about images" in said
    assert "Remedy: take an image-text-to-text model" in said


def test_a_family_of_tomorrow_is_named(folder):
    change(folder, model_type="qwen9_vl")
    said = refusal(folder)
    assert "its family 'qwen9_vl' is none that transformers " in said
    assert "or a later version of EVA-01" in said


# Quantised weights


@pytest.mark.parametrize(
    ("settings", "packages"),
    [
        ({"quant_method": "awq"}, "gptqmodel"),
        ({"quant_method": "gptq"}, "optimum gptqmodel"),
        ({"quant_method": "bitsandbytes"}, "bitsandbytes"),
        ({"load_in_4bit": True}, "bitsandbytes"),
        ({"quant_method": "compressed-tensors"}, "compressed-tensors"),
        ({"quant_method": "torchao"}, "torchao"),
        ({"quant_method": "quark"}, "amd-quark"),
        ({"quant_method": "fp8"}, "kernels"),
        ({"quant_method": "sinq"}, "sinq"),
    ],
)
@pytest.mark.parametrize("inner", [False, True])
def test_weights_that_are_quantised_name_the_packages_to_install(folder, settings, packages, inner):
    said = {"quantization_config": settings}
    change(folder, **({"text_config": said} if inner else said))
    with pytest.raises(Unusable) as refused:
        check_quantised(Source(str(folder)), is_on_gpu=True)
    assert refused.value.remedy.startswith(f"pip install {packages}, or take ")


def test_quantisation_that_cannot_be_read_is_refused(folder):
    change(folder, quantization_config=["awq"])
    said = refusal(folder)
    assert "quantization_config in its config.json is no JSON object. Remedy: get the config.json" in said


def test_a_cpu_multiplies_out_what_it_can_and_says_what_it_cannot(folder):
    change(folder, quantization_config={"quant_method": "fp8"})
    check_quantised(Source(str(folder)), is_on_gpu=False)
    for method in ("eetq", "fbgemm_fp8", "fp_quant", "higgs", "metal", "spqr", "vptq"):
        change(folder, quantization_config={"quant_method": method})
        assert f"its weights are quantised by {method!r}, which a GPU alone can use" in refusal(folder)


def test_what_transformers_makes_and_does_not_read_is_said_with_who_reads_it(folder):
    change(folder, quantization_config={"quant_method": "nvfp4"})
    said = refusal(folder)
    assert f"quantised by 'nvfp4', which transformers {transformers.__version__} does not read" in said
    assert "Remedy: take the weights that are not quantised, or have vLLM serve it" in said


def test_a_package_that_a_processor_needs_is_named():
    error = ImportError("Package `num2words` is required. Install it with `pip install num2words`.")
    assert remedy_of(error, Source(str(NANO))) == "pip install num2words"
    error = ImportError("Using X requires Y: `pip install -U y-z>=0.46.1`")
    assert remedy_of(error, Source(str(NANO))) == "pip install y-z>=0.46.1"


# The hub


class Hub(BaseHTTPRequestHandler):
    """Says of a gated model that it is one, and of any other that there is none."""

    def do_HEAD(self) -> None:
        is_gated = "gated" in self.path
        self.send_response(403 if is_gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if is_gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("them/gated", "accept its terms at https://huggingface.co/them/gated, and set HF_TOKEN"),
        ("them/nothing", "check MODEL_NAME; where it is private, set HF_TOKEN"),
    ],
)
def test_what_the_hub_does_not_give_says_why(hub, address, remedy):
    # transformers raises an OSError for what the hub's own library says.
    with pytest.raises(OSError, match="cannot") as refused:
        try:
            hf_hub_download(address, "config.json", endpoint=hub)
        except Exception as error:
            raise OSError("cannot") from error
    assert remedy_of(refused.value, Source(address)).startswith(remedy)


@pytest.mark.parametrize("address", ["no such", "them/no such"])
def test_what_is_no_address_is_told_what_one_looks_like(address):
    said = refusal(address)
    assert "Remedy: check MODEL_NAME: it is a folder that is there, or an address on the hub" in said
    assert ".." not in said


def test_a_hub_that_is_not_reached_is_no_gate():
    assert "the hub was not reached" in remedy_of(OSError("no network"), Source("them/gated"))
