"""What lies between people's words and a model's tokens, the same for every engine that runs the model.

question ──► prepare ──► tokens of the prompt ──► an engine ──► tokens said ──► answers.of ──► answer
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jobs.contract.asking.chat import ending_with, question_about
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure, TooLarge
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from jobs.shape.telling import instruction_of
from worker.engines.base import Hear
from worker.engines.constraint.grammars import Grammars
from worker.engines.generation import settle
from worker.engines.sampling import Sampling
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.answers import Answers
from worker.engines.saying.stops import Stops
from worker.engines.saying.thinking import Thinking
from worker.engines.saying.vocabulary import Vocabulary
from worker.engines.seeing.processors import JobInput, Processor, SeenImage
from worker.engines.seeing.templates import can_choose_thinking, thinking_of
from worker.engines.weights.unusable import Unusable

logger = logging.getLogger(__name__)


class Conversation:
    """Prepares jobs for a model, and makes answers of what it says; called from many threads at once.

    `config` is the model's, and `generation` how it generates, which becomes ours (see `settle`). A prompt
    has `most_tokens` at most. Raises Unusable where answers would end at texts that cannot be found.
    """

    def __init__(
        self,
        model: str,
        processor: Processor,
        config: Any,
        generation: Any,
        settings: WorkerSettings,
        *,
        most_tokens: int | None,
    ) -> None:
        self._model, self._processor, self._settings = model, processor, settings
        self._most_tokens, self._is_encoder_decoder = most_tokens, config.is_encoder_decoder
        #: Texts at which the model's makers have every answer end.
        self._own_stops = settle(generation, processor.tokenizer)
        ends = generation.eos_token_id
        self.ends = frozenset(ends if isinstance(ends, list) else [ends])
        self.vocabulary = Vocabulary(processor.tokenizer, self.ends, config.get_text_config().vocab_size)
        #: A grammar is compiled when one is first asked for.
        self._grammars = Grammars(self.vocabulary)
        self.answers = Answers(
            *(model, processor.tokenizer, self.ends, self.vocabulary),
            pixels_per_token=processor.pixels_per_token,
            thinking=thinking_of(processor.own, self.thinking),
        )
        if self.thinking is not None and not can_choose_thinking(processor.own):
            logger.warning("%s has no choice of thinking: EVA01_THINKING does nothing.", model)
        if self._own_stops and not self.vocabulary.is_known:
            raise Unusable(
                "its generation_config.json has answers end at texts, and its tokenizer does not say what"
                " text a token is",
                "take stop_strings out of its generation_config.json, or another model",
            )

    @property
    def thinking(self) -> bool | None:
        """Whether it is to think aloud before it answers; None leaves that to its makers."""
        return {"on": True, "off": False}.get(self._settings.thinking)

    @property
    def about(self) -> tuple[str, str]:
        """What answers may be, in words for people."""
        known = self.vocabulary.is_known
        held = "fields, logprobs and stop texts: " + ("yes" if known else "no, its tokenizer says too little")
        longest = self._settings.max_new_tokens
        return "answers", f"up to {longest:,} tokens where a job does not say; {held}"

    def prepare(self, seen: Sequence[SeenImage], question: str, options: Options) -> JobInput:
        """Tensors of one job, and what its answer is held to; raises TooLarge (`prompt_too_long`)."""
        longest = options.max_new_tokens or self._settings.max_new_tokens
        wanted = options.response_format
        turns = options.chat or (question_about(len(seen), question),)
        if wanted:
            turns = ending_with(turns, instruction_of(wanted))
        thinking = False if wanted else self.thinking
        prepared = self._processor.prepare(seen, turns, longest, thinking=thinking)
        room = self._room(prepared)
        if options.top_logprobs is not None:
            self._check_vocabulary("tell how likely each was", "logprobs", Code.NO_LOGPROBS)
        if options.stop:
            self._check_vocabulary("find where to stop", "stop", Code.NO_SAMPLING)
        # What is held to a format ends with it.
        stops = () if wanted else (*(options.stop or ()), *self._own_stops)
        return replace(
            prepared,
            max_new_tokens=min(longest, room),
            grammar=self._grammars.of(wanted) if wanted else None,
            top_logprobs=options.top_logprobs,
            sampling=Sampling.of(options),
            stops=Stops(stops, self.vocabulary) if stops else None,
        )

    def aloud(self, prepared: JobInput, hear: Hear) -> Callable[[], Aloud] | None:
        """What says an answer piece by piece; None for a tokenizer that says too little of its tokens."""
        if not self.vocabulary.is_known:
            return None
        # Read here, and not while the first token waits.
        self.vocabulary.text_of(0)
        thinking = self.answers.thinking if prepared.grammar is None else Thinking()
        return partial(Aloud, self.vocabulary, prepared.stops, hear, thinking)

    def _check_vocabulary(self, purpose: str, field: str, code: Code) -> None:
        """Read the tokens, ahead of the device.

        Raises EngineFailure with `code` where they are not known.
        """
        if not self.vocabulary.is_known:
            raise EngineFailure(
                f"The tokenizer of {self._model} says too little of its tokens to {purpose}."
                f" Leave out {field}, or ask another model.",
                code=code,
            )
        self.vocabulary.text_of(0)

    def _room(self, prepared: JobInput) -> int:
        """Tokens that may follow a job's prompt, as far as the model has learned to read.

        Raises TooLarge (`prompt_too_long`).
        """
        most, length = self._most_tokens, prepared.tensors["input_ids"].shape[1]
        if most is None:
            return sys.maxsize
        if length > most:
            raise TooLarge(
                f"The images and the question take {length:,} tokens, and {self._model} takes in"
                f" {most:,} at once. {self._shortening(length - prepared.visual_tokens > most)}",
                code=Code.PROMPT_TOO_LONG,
            )
        if self._is_encoder_decoder:
            return most
        # The last of them is never read.
        return most - length + 1

    def _shortening(self, is_by_text_alone: bool) -> str:
        """What helps where a prompt is too long."""
        if is_by_text_alone:
            return "The text alone is too long: ask in fewer words."
        if self._processor.max_pixels is None:
            return "Send fewer images in one job, ask in fewer words, or lower MAX_PIXELS of the worker."
        return "Send fewer images in one job or smaller ones, or ask for fewer pixels of each (max_pixels)."
