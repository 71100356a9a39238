"""A model of the hub by vLLM, whose engine runs in this process and its children."""

import asyncio
import logging
import os
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from typing import Any, TypeVar, final

import torch
import transformers
from PIL import Image
from transformers import AutoConfig, GenerationConfig

from jobs.contract.catalog import ModelCard
from jobs.contract.models import Options
from jobs.contract.settings import BadSetting, WorkerSettings
from worker.engines.about import pixel_fact
from worker.engines.base import Answer, Fact, ModelNotLoaded
from worker.engines.conversation import Conversation
from worker.engines.deadline import Deadline
from worker.engines.devices import choose_device, choose_dtype, first_line
from worker.engines.hub import HubEngine
from worker.engines.rolling.setup import bytes_of_token
from worker.engines.seeing.processors import GridProcessor, SeenImage
from worker.engines.vllm.arguments import arguments, check_extra, rows_of, slots_of
from worker.engines.vllm.parameters import check, parameters
from worker.engines.vllm.requests import Asked, Requests
from worker.engines.weights.identity import weights_of
from worker.engines.weights.remedies import remedy_of

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

#: vLLM's own settings, where the environment does not have them.
_ENVIRONMENT = {
    # This process has threads, which a fork would leave with their locks held.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    # Its lines go the way of ours; it tells nobody that it is used.
    "VLLM_CONFIGURE_LOGGING": "0",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True)
class Seen:
    """An image's patches as bytes, and what tells them from others."""

    patches: SeenImage
    digest: str


@final
class VllmEngine(HubEngine[Seen, Asked]):
    """A model of a family whose prompts are made here, by vLLM."""

    max_batch = 1

    def __init__(self, card: ModelCard, settings: WorkerSettings, reason: str) -> None:
        super().__init__(card, settings, reason)
        self._loop = asyncio.new_event_loop()
        self._on = torch.device("cpu")
        self._family = ""
        self._penalty = 1.0
        self._vllm: Any
        self._core: Any
        self._processor: GridProcessor
        self._conversation: Conversation
        self._rolling: Requests

    @property
    def device(self) -> str:
        """Where vLLM runs it."""
        return str(self._core.device)

    @property
    def about(self) -> Sequence[Fact]:
        """Its family, why vLLM has it, how many jobs and tokens at once, and how large it sees images."""
        rows, tokens = self._rows, self._core.cache_tokens
        longest = self._core.most_tokens
        return [
            ("engine", f"vLLM {self._vllm.VERSION}: {self._reason}"),
            ("family", self._family),
            ("device", self.device),
            ("batches", f"vLLM's own: up to {rows} jobs at once (EVA01_ROWS)"),
            ("memory", f"{tokens:,} tokens of all jobs (EVA01_CACHE_TOKENS)"),
            ("a job", f"up to {longest:,} tokens, with its images, its question and its answer"),
            pixel_fact(self.max_pixels, self._settings.max_pixels),
            self._conversation.about,
        ]

    @property
    def default_slots(self) -> int:
        """They follow the jobs that vLLM has at once."""
        return slots_of(self._rows)

    @property
    def _rows(self) -> int:
        return rows_of(self._settings, is_on_gpu=self._on.type == "cuda")

    @property
    def identity(self) -> str:
        """The weights, and what else decides answers."""
        thinking = "" if self._conversation.thinking is None else f", thinking {self._settings.thinking}"
        return (
            f"{weights_of(self._source.address)}, {self._core.dtype},"
            f" {self._settings.max_pixels} pixels{thinking}, transformers {transformers.__version__},"
            f" vllm {self._vllm.VERSION}"
        )

    @property
    def rolling(self) -> Requests:
        """The jobs that vLLM has."""
        return self._rolling

    def load(self) -> None:
        """Have vLLM load the model.

        Raises ModelNotLoaded or BadSetting.
        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        logging.getLogger("vllm").setLevel(logging.ERROR)
        try:
            self._on = choose_device(self._settings)
            self._find()
            self._load()
        except BadSetting:
            raise
        except Exception as error:
            tried = f"{self._source.address} by vLLM: {type(error).__name__}: {first_line(error)}"
            raise ModelNotLoaded(self._card.name, tried, self._remedy(error)) from error

    def _load(self) -> None:
        settings, name = self._settings, self._card.name
        # It is read with the settings above, and takes seconds.
        self._vllm = import_module("worker.engines.vllm.core")
        check_extra(settings, self._vllm.ARGUMENTS)
        config: Any = self._source.load(AutoConfig)
        self._family = config.model_type
        said = self._source.read("generation_config.json")
        generation = GenerationConfig(**said) if said else GenerationConfig.from_model_config(config)
        self._penalty = generation.repetition_penalty or 1.0
        self._processor = GridProcessor(
            self._source, settings.max_pixels, settings.most_pixels, as_bytes=True
        )
        text = config.get_text_config()
        given = arguments(
            *(self._source.address, name, settings),
            is_on_gpu=self._on.type == "cuda",
            most_tokens=text.max_position_embeddings,
            token_bytes=bytes_of_token(text, choose_dtype(settings, self._on).itemsize),
            most_pixels=self._processor.max_pixels.most,
            has_penalty=self._penalty != 1,
        )
        threading.Thread(target=self._loop.run_forever, name="vllm", daemon=True).start()
        self._core = self._do(self._vllm.Core.start(given))
        self._conversation = Conversation(
            *(name, self._processor, config, generation, settings),
            # The last token that is said has a place in its cache as well.
            most_tokens=self._core.most_tokens - 1,
        )
        self._rolling = Requests(
            *(self._loop, self._core, self._conversation.answers.of, self._conversation.aloud),
            settings.job_timeout_s,
        )

    def see(self, image: Image.Image, max_pixels: int | None = None) -> Seen:
        """Its patches, as bytes; raises TooLarge (`image_too_thin`)."""
        patches = self._processor.see(image, max_pixels)
        digest = blake2b(digest_size=20)
        for name in sorted(patches.tensors):
            digest.update(patches.tensors[name].numpy().data)
        return Seen(patches, digest.hexdigest())

    def prepare(self, seen: Sequence[Seen], question: str, options: Options) -> Asked:
        """The prompt, and how to answer it; raises EngineFailure or TooLarge (`prompt_too_long`)."""
        check(options, has_penalty=self._penalty != 1)
        job = self._conversation.prepare([one.patches for one in seen], question, options)
        own = self._processor.own
        prompt = self._vllm.prompt_of(
            job.tensors, own.image_token_id, own.image_processor.merge_size, [one.digest for one in seen]
        )
        ends = self._conversation.ends
        return Asked(job, prompt, parameters(job, ends=ends, penalty=self._penalty, is_streamed=False))

    def generate(self, batch: Sequence[Asked], deadline: Deadline) -> Sequence[Answer]:
        """Not used: jobs come and go by themselves."""
        raise NotImplementedError

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _remedy(self, error: Exception) -> str:
        if type(error).__module__.startswith("worker."):
            return remedy_of(error, self._source)
        return "see what vLLM said above, or set EVA01_ENGINE=transformers"
