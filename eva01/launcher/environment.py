"""What each part that `eva01 up` starts gets of its environment: what it needs, and no other part's secrets.

Names, or beginnings of names that end in `*`. docs/configuration.md lists them.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from jobs.contract.settings import Settings, UpSettings

#: What any program on this machine needs.
_SYSTEM = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR", "TMPDIR"),
    *("LD_LIBRARY_PATH", "DYLD_*", "MALLOC_*"),
)
#: What our own programs need besides.
_OURS = (
    *("EVA01_*", "REDIS_URL", "MODEL_NAME", "MAX_PIXELS", "PYTHON*", "VIRTUAL_ENV", "XDG_*"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *("no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
#: What models are loaded and run with.
_MODELS = (
    *("CUDA_*", "NVIDIA_*", "HF_*", "HUGGING_FACE_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "TORCH*"),
    *("PYTORCH_*", "TRITON_*", "VLLM_*", "NCCL_*", "CUBLAS_*", "CUDNN_*"),
    *("ROCR_*", "ROCM_*", "HIP_*", "HSA_*"),
    *("OMP_*", "MKL_*", "KMP_*", "GOMP_*", "OPENBLAS_*", "ORT_*", "KUBERNETES_*"),
)
#: Credentials of the blob store, by the scheme of its address.
_CLOUDS = {
    "s3": ("AWS_*",),
    "s3a": ("AWS_*",),
    "gs": ("GOOGLE_*", "GCE_*"),
    "az": ("AZURE_*", "IDENTITY_*", "MSI_*"),
}
#: Secrets of one part, though their names are of those that every part of ours gets.
_WEB_ALONE = ("EVA01_ADMIN_KEY", "EVA01_SECRET_KEY", "EVA01_OIDC_CLIENT_SECRET")
_WORKERS_ALONE = ("EVA01_OPENAI_KEY",)
#: What is for the command alone.
_COMMAND_ALONE = ("EVA01_KEY", "EVA01_KEY_FILE", "EVA01_SERVER", "EVA01_PASS_ENV")


def for_redis(ours: Mapping[str, str]) -> dict[str, str]:
    """What the server gets."""
    return _chosen(ours, _SYSTEM, ())


def for_web(ours: Mapping[str, str], settings: Settings, up: UpSettings) -> dict[str, str]:
    """What web gets."""
    wanted = (*_SYSTEM, *_OURS, *_cloud(settings), *up.pass_env)
    return _chosen(ours, wanted, (*_COMMAND_ALONE, *_WORKERS_ALONE))


def for_worker(ours: Mapping[str, str], settings: Settings, up: UpSettings) -> dict[str, str]:
    """What a worker gets."""
    wanted = (*_SYSTEM, *_OURS, *_MODELS, *_cloud(settings), *up.pass_env)
    return _chosen(ours, wanted, (*_COMMAND_ALONE, *_WEB_ALONE))


def _cloud(settings: Settings) -> tuple[str, ...]:
    return _CLOUDS.get(settings.blobs.partition("://")[0], ())


def _chosen(ours: Mapping[str, str], wanted: Iterable[str], unwanted: Iterable[str]) -> dict[str, str]:
    wanted, unwanted = tuple(wanted), tuple(unwanted)
    return {
        name: value
        for name, value in ours.items()
        if _is_one_of(name, wanted) and not _is_one_of(name, unwanted)
    }


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
