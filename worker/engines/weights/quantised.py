"""Weights that are quantised: what it takes to use them, said before they are read."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import transformers

from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable

#: Which modules each way needs, by `quant_method`, and in which package each one is.
_NEEDED = {
    "awq": {"gptqmodel": "gptqmodel"},
    "gptq": {"optimum": "optimum", "gptqmodel": "gptqmodel"},
    "bitsandbytes": {"bitsandbytes": "bitsandbytes"},
    "compressed-tensors": {"compressed_tensors": "compressed-tensors"},
    "torchao": {"torchao": "torchao"},
    "hqq": {"hqq": "hqq"},
    "fbgemm_fp8": {"fbgemm_gpu": "fbgemm-gpu"},
    "quark": {"quark": "amd-quark"},
    "fp8": {"kernels": "kernels"},
    "sinq": {"sinq": "sinq"},
    "eetq": {"kernels": "kernels"},
}
#: Those that a CPU cannot use; and those whose weights it multiplies out, for which it needs nothing.
_GPU_ALONE = ("eetq", "fbgemm_fp8", "fp_quant", "higgs", "metal", "spqr", "vptq")
_PLAIN_ON_CPU = ("fp8",)
#: Those that transformers can make of weights, and does not read.
_NEVER_READ = ("nvfp4",)
_PLAIN = "take the weights that are not quantised"


def check_quantised(source: Source, *, is_on_gpu: bool) -> None:
    """Raises Unusable where packages are missing by which quantised weights are used, or a GPU is."""
    method = _method(source.read("config.json"))
    if method in _NEVER_READ:
        raise Unusable(
            f"its weights are quantised by {method!r}, which transformers {transformers.__version__} does not"
            " read",
            f"{_PLAIN}, or have vLLM serve it, and ask it as openai:NAME",
        )
    if method in _GPU_ALONE and not is_on_gpu:
        raise Unusable(f"its weights are quantised by {method!r}, which a GPU alone can use", _PLAIN)
    if method in _PLAIN_ON_CPU and not is_on_gpu:
        return
    missing = [package for module, package in _NEEDED.get(method, {}).items() if find_spec(module) is None]
    if missing:
        raise Unusable(
            f"its weights are quantised by {method!r}, which needs {' and '.join(missing)}",
            f"pip install {' '.join(missing)}, or {_PLAIN}",
        )


def _method(config: Any) -> str:
    """How a config.json says that weights are quantised; empty where they are not.

    Raises Unusable where it says that in a way that cannot be read.
    """
    if not isinstance(config, Mapping):
        return ""
    said = config.get("quantization_config") or (config.get("text_config") or {}).get("quantization_config")
    if not said:
        return ""
    if not isinstance(said, Mapping):
        raise Unusable(
            "quantization_config in its config.json is no JSON object",
            "get the config.json that belongs to these weights",
        )
    # As bitsandbytes wrote it before there were others.
    is_old = said.get("load_in_4bit") or said.get("load_in_8bit")
    return str(said.get("quant_method") or ("bitsandbytes" if is_old else ""))
