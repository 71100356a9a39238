"""Any image-text-to-text model of the hub, by transformers; built for Qwen2.5-VL."""

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any, final

import torch
import transformers
from PIL import Image
from transformers.utils import logging as library_logging

from jobs.contract.asking.chat import question_about
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from worker.engines import families
from worker.engines.about import bytes_of, cut_fact, model_facts, pixel_fact, rolling_facts, static_facts
from worker.engines.base import Answer, Fact, ModelNotLoaded
from worker.engines.company import Company
from worker.engines.constraint.generating import Held, Stopped
from worker.engines.constraint.masks import Masks
from worker.engines.conversation import Conversation
from worker.engines.deadline import NO_DEADLINE, Deadline
from worker.engines.devices import (
    check_graphs,
    choose_attention,
    choose_device,
    choose_dtype,
    describe,
    engine_error,
    first_line,
    is_cut_on_device,
    use_all_cores,
)
from worker.engines.hub import HubEngine
from worker.engines.layers import replace_layers
from worker.engines.rolling.answers import RollingAnswers
from worker.engines.rolling.setup import create_loop, why_static
from worker.engines.saying.said import Said, has_ended
from worker.engines.seeing.any_processor import AnyProcessor
from worker.engines.seeing.no_chats import check_chats
from worker.engines.seeing.processors import GridProcessor, JobInput, Processor, SeenImage
from worker.engines.weights.fit import check_fit
from worker.engines.weights.identity import weights_of
from worker.engines.weights.kind import family_of
from worker.engines.weights.loading import load_weights
from worker.engines.weights.numbers import check_numbers
from worker.engines.weights.quantised import check_quantised
from worker.engines.weights.remedies import remedy_of
from worker.engines.weights.unusable import Unusable
from worker.ops.cores import core_count

logger = logging.getLogger(__name__)

#: Width and height of the image with which a model is tried.
_PROBE_PX = (64, 64)
#: What may become of an answer of one token.
_TOO_LITTLE = (Code.INCOMPLETE_ANSWER, Code.EMPTY_ANSWER)

library_logging.set_verbosity_error()
library_logging.disable_progress_bar()


@final
class TransformersEngine(HubEngine[SeenImage, JobInput]):
    """A model on one device, by transformers."""

    #: Fewer where a model's jobs cannot be put together.
    max_batch = 128

    def __init__(
        self, card: ModelCard, settings: WorkerSettings, reason: str = "EVA01_ENGINE=transformers"
    ) -> None:
        super().__init__(card, settings, reason)
        self._device_name = settings.device
        self._on: torch.device
        self._model: Any = None
        self._processor: Processor
        self._conversation: Conversation
        self._rolling: RollingAnswers | None = None
        #: How it answers.
        self._batches: Sequence[Fact] = ()
        self._weights_bytes = 0

    @property
    def device(self) -> str:
        """The device that was chosen; before that, the one that the settings name."""
        return self._device_name

    @property
    def about(self) -> Sequence[Fact]:
        """Its family, where it is, how it answers, and how large it sees images."""
        return [
            ("engine", f"transformers {transformers.__version__}: {self._reason}"),
            *model_facts(self._model, self._device_name, self._weights_bytes),
            *self._batches,
            pixel_fact(self.max_pixels, self._settings.max_pixels),
            cut_fact(self._settings.preprocessing, is_on_device=self._processor.cutter is not None),
            self._conversation.about,
        ]

    @property
    def rolling(self) -> RollingAnswers | None:
        """The rolling batch where the model allows one."""
        return self._rolling

    @property
    def default_slots(self) -> int:
        """Three quarters of them have an image on the device, the others prepare the next ones."""
        return 32 if self._is_on_gpu else 12

    @property
    def _rows(self) -> int:
        """Images on the device together; a CPU gains nothing beyond a few."""
        slots = self._settings.slots or self.default_slots
        return self._settings.rows or max(1, slots * 3 // 4)

    @property
    def identity(self) -> str:
        """The weights, and what else decides answers; attention and device change only their rounding."""
        settings = f"{self._model.dtype}, {self._settings.max_pixels} pixels"
        if self._conversation.thinking is not None:
            settings += f", thinking {self._settings.thinking}"
        return f"{weights_of(self._source.address)}, {settings}, transformers {transformers.__version__}"

    @cached_property
    def _masks(self) -> Masks:
        """Made where answers are made in static batches: a rolling one has its own."""
        return Masks(self._model.config.get_text_config().vocab_size, self._on, core_count())

    @property
    def _is_on_gpu(self) -> bool:
        return self._on.type == "cuda"

    def load(self) -> None:
        """Load processor and weights, and put them on the device.

        Raises ModelNotLoaded.
        """
        try:
            self._on = choose_device(self._settings)
            self._device_name = describe(self._on)
            check_graphs(self._settings, self._on)
            use_all_cores()
            self._find()
            check_quantised(self._source, is_on_gpu=self._is_on_gpu)
            self._processor = self._load_processor()
            self._model = self._load_model()
            self._check_sight()
            self._conversation = self._converse()
        except Exception as error:
            raise self._not_loaded(error) from error
        self._start_rolling()
        try:
            self._try_out()
        except Exception as error:
            raise self._not_loaded(error) from error

    def _start_rolling(self) -> None:
        """Use a rolling batch where the model allows one."""
        settings = self._settings
        if reason := why_static(self._model, settings):
            self._batches = static_facts(reason, self.max_batch, settings.batch_tokens)
            return
        loop = create_loop(self._model, self._conversation.ends, self._rows, settings, self._processor.cutter)
        self._rolling = RollingAnswers(loop, self._conversation.answers.of, self._conversation.aloud)
        per_token, pixels = self._processor.pixels_per_token, self.max_pixels
        seen = pixels.default // per_token if pixels and per_token else None
        self._batches = rolling_facts(self._model, loop, self._rows, seen, settings.max_new_tokens)

    def _load_processor(self) -> Processor:
        if (family := family_of(self._source)) in families.GRIDS:
            limits = self._settings.max_pixels, self._settings.most_pixels
            is_cut_here = family not in families.GLM and is_cut_on_device(self._settings, self._on)
            return GridProcessor(
                *(self._source, *limits), family=family, cut_on=self._on if is_cut_here else None
            )
        check_chats(self._source, family)
        return AnyProcessor(self._source, self._settings.max_pixels)

    def _load_model(self) -> Any:
        dtype = choose_dtype(self._settings, self._on)
        attentions = choose_attention(self._settings, self._on, dtype)
        model, found = load_weights(self._source, self._on, dtype, attentions)
        check_fit(model, found, may_be_unused=self._settings.unused_weights == "ignore")
        check_numbers(model)
        model.to(self._on).eval()
        self._weights_bytes = bytes_of(model)
        replace_layers(model)
        return model

    def _converse(self) -> Conversation:
        config = self._model.config
        most = getattr(config.get_text_config(), "max_position_embeddings", None)
        return Conversation(
            *(self._card.name, self._processor, config, self._model.generation_config, self._settings),
            most_tokens=most,
        )

    def _check_sight(self) -> None:
        """Raises Unusable where an image has no place among the tokens of its question."""
        remedy = "take the chat template and the processor's settings of the model's makers"
        try:
            seen = self.see(Image.new("RGB", _PROBE_PX, "gray"))
            job = self._processor.prepare([seen], [question_about(1, "?")], 1)
            inputs = self._processor.collate([job])
        except Exception as error:
            own = error.__cause__ or error
            why = f"{type(own).__name__}: {first_line(own)}"
            raise Unusable(f"its processor cannot put an image into a question: {why}", remedy) from error
        if self._count_visual_tokens(inputs, [job]) == [0]:
            raise Unusable("its processor makes no place for an image among a question's tokens", remedy)
        if not self._processor.can_join():
            self.max_batch = 1
            logger.info("%s answers one job at a time: its processor's batches differ.", self._card.name)

    def _try_out(self) -> None:
        """Have it say one token about an image, in the way in which it answers jobs.

        Raises Unusable where it cannot: settings that are not those of the weights fail at the first image.
        """
        try:
            seen = self.see(Image.new("RGB", _PROBE_PX, "gray"))
            if failed := self._failed(self.prepare([seen], "?", Options(max_new_tokens=1))):
                raise failed
        except Exception as error:
            raise Unusable(
                f"it cannot answer a question about an image: {first_line(error)}",
                "get the folder anew: its settings (config.json, generation_config.json and those of its"
                " processor) have to be the ones that its makers gave with these weights",
            ) from error

    def _failed(self, job: JobInput) -> Exception | None:
        """Why a job has no answer; None where it has one, or said too little for one."""
        if self._rolling is None:
            outcome: object = self.generate([job])[0]
        else:
            self._rolling.submit(self._rolling.request(job, company=Company.INNOCENTS, is_interactive=False))
            while not (ended := self._rolling.turn()):
                pass
            outcome = ended[0].outcome
        if isinstance(outcome, EngineFailure) and outcome.code in _TOO_LITTLE:
            return None
        return outcome if isinstance(outcome, Exception) else None

    def see(self, image: Image.Image, max_pixels: int | None = None) -> SeenImage:
        """What the processor makes of an image."""
        return self._processor.see(image, max_pixels)

    def prepare(self, seen: Sequence[SeenImage], question: str, options: Options) -> JobInput:
        """Tensors of one job, and what its answer is held to; raises TooLarge (`prompt_too_long`)."""
        return self._conversation.prepare(seen, question, options)

    def generate(
        self, batch: Sequence[JobInput], deadline: Deadline = NO_DEADLINE
    ) -> Sequence[Answer | EngineFailure]:
        """Answer all together, each up to its own length; those that have ended at the deadline are answered.

        Raises OutOfMemory or DeviceLost.
        """
        inputs = self._processor.collate(batch)
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        most = [prepared.max_new_tokens for prepared in batch]
        matchers = [prepared.grammar.begin() if prepared.grammar else None for prepared in batch]
        held = Held(
            *(self._masks, matchers, self._conversation.ends),
            [prepared.top_logprobs for prepared in batch],
            [prepared.sampling for prepared in batch],
        )
        watches = [prepared.stops.watch() if prepared.stops else None for prepared in batch]
        stopped = Stopped(watches, most)
        try:
            rows = self._run(inputs, max(most), deadline, held, stopped if any(watches) else None)
        except RuntimeError as error:
            raise engine_error(error) from error
        counts = self._count_visual_tokens(inputs, batch)
        said = [
            Said(row[:longest], logprobs, count, length, prepared.grammar, choices, watch)
            for row, longest, logprobs, choices, prepared, count, length, watch in zip(
                rows, most, held.logprobs, held.choices, batch, counts, lengths, watches, strict=True
            )
        ]
        return [
            self._conversation.answers.of(one)
            if one.stopped or has_ended(one.tokens, longest, self._conversation.ends)
            else deadline.failure()
            for one, longest in zip(said, most, strict=True)
        ]

    @torch.inference_mode()
    def _run(
        self,
        inputs: dict[str, torch.Tensor],
        max_new_tokens: int,
        deadline: Deadline,
        held: Held,
        stopped: Stopped | None,
    ) -> list[list[int]]:
        """The new tokens of each row, with all that follows an early end; the deadline cuts all of them."""
        if cutter := self._processor.cutter:
            inputs = cutter.cut(inputs)
        on_device = {name: self._put(tensor) for name, tensor in inputs.items()}
        out = self._model.generate(
            **on_device,
            max_new_tokens=max_new_tokens,
            max_time=deadline.left_s,
            logits_processor=[held],
            stopping_criteria=[stopped] if stopped else None,
        )
        # Where an encoder reads the prompt, what is said begins with the decoder's own first token.
        said = 1 if self._model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
        rows: list[list[int]] = out[:, said:].tolist()
        return rows

    def _put(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor on the device; numbers that are no counts in the model's format."""
        dtype = self._model.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.to(self._on, dtype, non_blocking=True)

    def _count_visual_tokens(self, inputs: dict[str, torch.Tensor], batch: Sequence[JobInput]) -> list[int]:
        """The image tokens in each row; the estimate where a model has no such token."""
        place = getattr(self._model.config, "image_token_id", None)
        if place is None:
            return [prepared.visual_tokens for prepared in batch]
        counts: list[int] = (inputs["input_ids"] == place).sum(dim=1).tolist()
        return counts

    def _not_loaded(self, error: Exception) -> ModelNotLoaded:
        tried = f"{self._source.address} on {self.device}: {type(error).__name__}: {first_line(error)}"
        return ModelNotLoaded(self._card.name, tried, remedy_of(error, self._source))
