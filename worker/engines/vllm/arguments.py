"""What vLLM's engine is told, from the settings. Imports neither vLLM nor torch."""

from collections.abc import Collection
from typing import Any

from jobs.contract.settings import MOST_IMAGES, BadSetting, WorkerSettings

#: Tokens of cache on a CPU, when the settings do not say.
_CPU_TOKENS = 32_768
#: Tokens of the largest block of the cache that vLLM has on any device.
_BLOCK = 128
#: Jobs at once where the settings say neither rows nor slots: beyond them a step gains little.
_CPU_ROWS, _GPU_ROWS = 32, 128
#: vLLM's own length: the longest that its memory has room for.
_AS_FITS = -1
#: Which setting says what EVA01_VLLM_EXTRA may not.
_SAID_BY = {
    "max_num_seqs": "EVA01_ROWS",
    "kv_cache_memory_bytes": "EVA01_CACHE_TOKENS",
    "num_gpu_blocks_override": "EVA01_CACHE_TOKENS",
    "dtype": "EVA01_DTYPE",
    "model": "MODEL_NAME",
    "served_model_name": "EVA01_CATALOG",
}


def rows_of(settings: WorkerSettings, *, is_on_gpu: bool) -> int:
    """Jobs that vLLM works on at once."""
    usual = _GPU_ROWS if is_on_gpu else _CPU_ROWS
    return settings.rows or (settings.slots * 3 // 4 if settings.slots > 1 else settings.slots or usual)


def slots_of(rows: int) -> int:
    """Jobs that a worker holds: a quarter of them is made ready while vLLM works on the others."""
    return rows + max(1, rows // 3)


def arguments(
    address: str,
    name: str,
    settings: WorkerSettings,
    *,
    is_on_gpu: bool,
    most_tokens: int,
    token_bytes: int,
    most_pixels: int,
    has_penalty: bool,
) -> dict[str, Any]:
    """The engine's arguments for the model at `address`, which metrics call `name`.

    It has learned to read `most_tokens`, each takes `token_bytes` of the cache, and images have `most_pixels`
    at most; with a penalty, tokens are chosen from other numbers than it gives.
    """
    usual = {
        # Graphs and compiled layers begin to pay on a GPU; on a CPU they are minutes of a compiler.
        "enforce_eager": not is_on_gpu or settings.cuda_graphs == "off",
        # It keeps room for the largest images: else for the largest that the model's makers allow.
        "mm_processor_kwargs": {"max_pixels": most_pixels},
        **_memory(_tokens(settings, is_on_gpu=is_on_gpu), most_tokens, token_bytes),
    }
    if settings.is_given("prefill_tokens"):
        usual["max_num_batched_tokens"] = settings.prefill_tokens
    return usual | settings.vllm_extra | _ours(address, name, settings, is_on_gpu, has_penalty)


def _ours(
    address: str, name: str, settings: WorkerSettings, is_on_gpu: bool, has_penalty: bool
) -> dict[str, Any]:
    """What is never otherwise, because answers and the worker rest on it."""
    dtype = ("bfloat16" if is_on_gpu else "float32") if settings.dtype == "auto" else settings.dtype
    return {
        "model": address,
        "served_model_name": name,
        "dtype": dtype,
        "max_num_seqs": rows_of(settings, is_on_gpu=is_on_gpu),
        # Neither code that comes with weights nor pickles.
        "trust_remote_code": False,
        "load_format": "safetensors",
        # Ours are what the makers say (worker/engines/generation.py).
        "generation_config": "vllm",
        "scheduling_policy": "priority",
        "structured_outputs_config": {"backend": "guidance"},
        # What a token is chosen from; where that is no other than the model's own, before it is drawn.
        "logprobs_mode": "processed_logprobs" if has_penalty else "raw_logprobs",
        # Images are seen here, by all slots, and come as bytes.
        "mm_device_do_normalize": True,
        "mm_processor_cache_gb": 0,
        "limit_mm_per_prompt": {"image": MOST_IMAGES, "video": 0},
        "disable_log_stats": False,
        "enable_log_requests": False,
    }


def _tokens(settings: WorkerSettings, *, is_on_gpu: bool) -> int:
    """Tokens that the cache has room for; 0 leaves that to vLLM."""
    return settings.cache_tokens or (0 if is_on_gpu else _CPU_TOKENS)


def _memory(tokens: int, most_tokens: int, token_bytes: int) -> dict[str, Any]:
    """The cache, and the longest prompt with its answer, which has to fit into it."""
    if not tokens:
        return {"max_model_len": _AS_FITS}
    whole = -(-tokens // _BLOCK) * _BLOCK
    return {"kv_cache_memory_bytes": whole * token_bytes, "max_model_len": min(most_tokens, whole)}


def check_extra(settings: WorkerSettings, known: Collection[str]) -> None:
    """Raises BadSetting for an argument that vLLM does not know, or that another setting says."""
    ours = _ours("", "", settings, False, False).keys() | _SAID_BY.keys()
    for name in settings.vllm_extra:
        if name in ours:
            by = _SAID_BY.get(name)
            remedy = f"set {by} in its place" if by else "leave it out: answers rest on what it is here"
            raise BadSetting(f"EVA01_VLLM_EXTRA says {name}, which is not for it to say; {remedy}.")
        if name not in known:
            raise BadSetting(
                f"EVA01_VLLM_EXTRA says {name}, which is no argument of this vLLM's engine;"
                " its documentation has them under Engine Arguments, with _ in the place of -."
            )
