"""vLLM itself: its asynchronous engine, as far as a worker needs it. Nothing else imports vLLM."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import fields
from itertools import count
from typing import Any

import torch
import vllm
from transformers import BatchFeature
from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMClientError
from vllm.inputs import mm_input
from vllm.multimodal.inputs import MultiModalFieldConfig, MultiModalKwargsItems, PlaceholderRange
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from jobs.contract.discreet import discreet
from jobs.contract.errors import EngineFailure
from worker.engines.saying.logprobs import Choice
from worker.engines.vllm.gathered import Part
from worker.engines.vllm.requests import CoreDead

VERSION: str = vllm.__version__
#: The arguments that its engine knows.
ARGUMENTS = frozenset(field.name for field in fields(AsyncEngineArgs))
#: How an answer ends that is one.
_ENDS = ("stop", "length")


class Core:
    """The engine; used in the event loop in which it was started."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._numbers = count(1)

    @classmethod
    async def start(cls, arguments: Mapping[str, Any]) -> "Core":
        """Load the model in a process of vLLM's own; takes seconds to minutes, in which the loop stands."""
        return cls(AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments)))

    @property
    def device(self) -> str:
        """Where it runs, such as `cpu` or `cuda:0 NVIDIA H100`; asked without taking memory there."""
        if current_platform.is_cpu():
            return "cpu"
        return f"{current_platform.device_type}:0 {current_platform.get_device_name()}"

    @property
    def dtype(self) -> str:
        """The number format of its weights."""
        return str(self._engine.model_config.dtype)

    @property
    def most_tokens(self) -> int:
        """Tokens of a prompt with its answer."""
        return int(self._engine.model_config.max_model_len)

    @property
    def cache_tokens(self) -> int:
        """Tokens of all jobs that its cache has room for."""
        cache = self._engine.vllm_config.cache_config
        return int((cache.num_gpu_blocks or 0) * cache.block_size)

    @property
    def is_dead(self) -> bool:
        """True when it will answer nothing any more; may be called from any thread."""
        return bool(self._engine.errored)

    async def is_there(self, within_s: float) -> bool:
        """Whether its process comes back from its steps."""
        try:
            async with asyncio.timeout(within_s):
                # Any call that it answers between two steps.
                await self._engine.is_sleeping()
        except (TimeoutError, EngineDeadError):
            return False
        return True

    async def say(
        self, prompt: Any, parameters: Mapping[str, Any], priority: int
    ) -> AsyncGenerator[Part, None]:
        """What is said to a prompt, part by part; a lower priority goes first. Who leaves early aborts it.

        Raises CoreDead, or EngineFailure where it does not end as an answer.
        """
        said = self._engine.generate(
            prompt, _sampling(parameters), f"job-{next(self._numbers)}", priority=priority
        )
        try:
            async with aclosing(said):
                async for output in said:
                    (one,) = output.outputs
                    yield Part(one.token_ids, [*_choices(one.logprobs)])
                    if output.finished and one.finish_reason not in _ENDS:
                        raise EngineFailure(f"vLLM ended the answer: {one.finish_reason}")
        except EngineDeadError as error:
            raise CoreDead("vLLM's engine has died") from error
        except VLLMClientError as error:
            raise EngineFailure(f"vLLM takes no such job: {discreet(error)}") from error


def _sampling(parameters: Mapping[str, Any]) -> Any:
    given = dict(parameters)
    schema, is_streamed = given.pop("json", None), given.pop("is_streamed")
    return SamplingParams(
        **given,
        structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        # Text is made of tokens here.
        detokenize=False,
        flat_logprobs=True,
        output_kind=RequestOutputKind.DELTA if is_streamed else RequestOutputKind.FINAL_ONLY,
    )


def _choices(flat: Any) -> Iterator[Choice]:
    for start, end in zip(flat.start_indices, flat.end_indices, strict=True):
        yield flat.token_ids[start:end], flat.logprobs[start:end]


def prompt_of(tensors: Mapping[str, torch.Tensor], place: int, merge: int, digests: list[str]) -> Any:
    """A prompt as vLLM takes it, of tensors with the images' places in it, the tokens `place`.

    A place has `merge` × `merge` patches; `digests` tell what is seen in each image.
    """
    tokens, grids = tensors["input_ids"][0], tensors["image_grid_thw"]
    patches = grids.prod(-1)
    images = MultiModalKwargsItems.from_hf_inputs(
        BatchFeature({name: tensors[name] for name in ("pixel_values", "image_grid_thw")}),
        {
            "pixel_values": MultiModalFieldConfig.flat_from_sizes("image", patches),
            "image_grid_thw": MultiModalFieldConfig.batched("image", keep_on_cpu=True),
        },
    )
    places, ranges, before = (tokens == place).nonzero().flatten().tolist(), [], 0
    for size in (patches // merge**2).tolist():
        ranges.append(PlaceholderRange(offset=places[before], length=size))
        before += size
    return mm_input(tokens.tolist(), images, {"image": digests}, {"image": ranges})
