"""Settings of a worker."""

import re
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from jobs.contract.catalog import BUNDLED, DEFAULT_MODEL_NAME, name_of
from jobs.contract.settings.environment import MIB, FromEnvironment, split_at_commas

#: Seconds for which it is known how many workers were ready at once, where no setting says it.
READY_OF_LATE_S = 3600.0
#: The most jobs that a worker may hold, and the fewest pixels at which one may see images.
MOST_SLOTS, LEAST_PIXELS = 1024, 28 * 28


class WorkerSettings(FromEnvironment):
    """What a worker needs besides its model's name."""

    #: A vision-language model: an address on the hub, a folder, or one in a bucket (`s3://…`, `gs://…`, `az://…`).
    model_name: str = Field(
        default=DEFAULT_MODEL_NAME, validation_alias=AliasChoices("MODEL_NAME", "model_name"), min_length=1
    )
    #: Pixels an image is scaled down to before the model sees it; 784 pixels are one visual token.
    max_pixels: int = Field(
        default=1_048_576, validation_alias=AliasChoices("MAX_PIXELS", "max_pixels"), ge=LEAST_PIXELS
    )
    #: The most that a batch or a question may ask for in place of that; 0: four times that.
    most_pixels: int = Field(default=0, ge=0)
    #: What runs a model of the hub: `transformers`, `vllm`, or `auto`: vLLM where it is installed, knows the
    #: family and has a GPU.
    engine: str = Field(default="auto", pattern="^(auto|transformers|vllm)$")
    #: What vLLM is told besides, by the names of its engine's arguments, as a JSON object.
    vllm_extra: dict[str, Any] = Field(default_factory=dict)
    #: `auto`, `cpu`, `cuda`, `cuda:1`, …
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    #: `auto` (bfloat16 on a GPU, float32 on a CPU), `float32`, `bfloat16` or `float16`.
    dtype: str = Field(default="auto", pattern=r"^(auto|float32|bfloat16|float16)$")
    #: What becomes of a model whose files have weights that no part of it takes: `refuse`, or `ignore` them.
    unused_weights: str = Field(default="refuse", pattern=r"^(refuse|ignore)$")
    #: `auto` (flash_attention_2 when it is installed and there is a GPU, else sdpa), or one of them by name.
    attention: str = Field(default="auto", pattern=r"^(auto|sdpa|eager|flash_attention_2)$")
    #: Whether steps of a rolling batch are recorded as CUDA graphs: `auto` (on a GPU), `on` or `off`.
    cuda_graphs: str = Field(default="auto", pattern=r"^(auto|on|off)$")
    #: Where images are scaled and cut for models of Qwen's kind: `cpu` (by Pillow), `device`, or `auto`: on
    #: the device where that is a GPU.
    preprocessing: str = Field(default="auto", pattern=r"^(auto|cpu|device)$")
    #: Whether a model thinks aloud before it answers, where its template lets one choose: `auto` (as its
    #: makers have it), `on` or `off`.
    thinking: str = Field(default="auto", pattern=r"^(auto|on|off)$")
    #: Jobs a worker holds; 0: what suits the engine.
    slots: int = Field(default=0, ge=0, le=MOST_SLOTS)
    #: `auto`: a rolling batch where the model allows it, else static ones; `static`: always these.
    batching: str = Field(default="auto", pattern=r"^(auto|static)$")
    #: Parts of a model that are read from its bucket at the same time; each takes 16 MiB of memory meanwhile.
    weights_streams: int = Field(default=16, ge=1, le=256)
    #: Images in a rolling batch; 0: three quarters of the slots.
    rows: int = Field(default=0, ge=0, le=1024)
    #: Tokens that a rolling batch may hold in memory; 0: what a GPU has room for, 32,768 on a CPU.
    cache_tokens: int = Field(default=0, ge=0)
    #: Tokens of new images and questions that a rolling batch takes in between two steps, at least one image.
    prefill_tokens: int = Field(default=2048, ge=1)
    #: Whether what several prompts of one owner begin with is read once in a rolling batch.
    shared_prefixes: bool = True
    #: Images that a worker has ready together of jobs with several, or at more pixels than usual, where each
    #: counts as several; a job waits until its own fit in.
    ready_images: int = Field(default=32, ge=1)
    #: Visual tokens in one static batch.
    batch_tokens: int = Field(default=16_384, ge=1)
    #: Tokens of an answer when the job does not say.
    max_new_tokens: int = Field(default=512, ge=1)
    #: The address of the worker's health and metrics.
    worker_host: str = "127.0.0.1"
    #: The port of the worker's health and metrics; 0: any free one.
    worker_port: int = Field(default=9100, ge=0, le=65535)
    #: Seconds between heartbeats; a worker silent for three of them no longer counts.
    heartbeat_s: float = Field(default=5.0, gt=0)
    #: Seconds for which it is known how many workers were ready at once; a fleet grows to twice as many.
    ready_of_late_s: float = Field(default=READY_OF_LATE_S, ge=1)
    #: Seconds a worker that was told to stop may take to finish what it holds.
    drain_s: float = Field(default=100.0, ge=0)
    #: Seconds that a job may be on the device, a week at most; its time in the queue does not count.
    job_timeout_s: float = Field(default=600.0, gt=0, le=7 * 24 * 3600)
    #: How often a job may take its worker down before it is not tried again.
    max_crashes: int = Field(default=3, ge=1)
    #: Whether who asks the same of the same image gets the answer that is there already.
    answer_cache: bool = True
    #: Pixels of the longest side of the small versions that galleries show; 0: none are made.
    thumbnail_px: int = Field(default=320, ge=0, le=2048)
    #: The same for images that browsers do not show, such as TIFF: there it stands in for the image itself.
    stand_in_px: int = Field(default=1600, ge=0, le=4096)
    #: Where servers that speak OpenAI's API answer for a model `openai:…`; each gets what the fewest wait at.
    openai_url: Annotated[tuple[str, ...], NoDecode] = Field(default=(), repr=False)
    #: The key that they ask for; empty: none.
    openai_key: SecretStr = Field(default=SecretStr(""), repr=False)
    #: What the model is called there; empty: as behind `openai:`, or the one model that is there.
    openai_model: str = ""
    #: What tells its weights from others of the same name; answers are reused within one revision.
    openai_revision: str = ""
    #: Whether each answer is asked for with how likely its tokens were, from which its confidence is known.
    openai_logprobs: bool = True
    #: What every request there says besides, as a JSON object; null leaves out what it says else.
    openai_extra: dict[str, Any] = Field(default_factory=dict)
    #: Tries of a job that a server puts off (429, 503) or fails on (5xx), before it goes back or fails.
    openai_tries: int = Field(default=5, ge=1, le=100)
    #: Seconds within which a server has to take a connection.
    openai_connect_s: float = Field(default=5.0, gt=0, le=600)
    #: Seconds between two looks whether a server is back.
    openai_look_s: float = Field(default=2.0, gt=0, le=600)
    #: Bytes of what a server may say to one request.
    openai_max_bytes: int = Field(default=64 * MIB, ge=1024)
    #: The pod a worker runs in, whose deletion cost it keeps; empty: none.
    pod_name: str = Field(default="", pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$", max_length=253)

    @field_validator("model_name")
    @classmethod
    def _is_not_taken_for_another(cls, model_name: str) -> str:
        name = name_of(model_name)
        if name in BUNDLED and model_name not in BUNDLED:
            raise ValueError(f"would be called {name}, as a model that comes with EVA-01 is")
        return model_name

    @field_validator("openai_url", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_at_commas(value)

    @field_validator("openai_url")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", url):
                raise ValueError(
                    "each has to begin with http:// or https://, and has neither a password nor ?, # or @;"
                    " a key is EVA01_OPENAI_KEY"
                )
        return urls
