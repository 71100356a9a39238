"""Makes an answer of what a model said: its text, how sure it was, and whether it is what was asked for."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from math import inf, isnan
from typing import Any, NamedTuple

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Usage
from jobs.shape.checked import NotAsAsked, check_closed, checked, parsed
from worker.engines.base import Answer
from worker.engines.constraint.grammars import Grammar
from worker.engines.saying.confidence import confidence_of, field_confidence_of
from worker.engines.saying.logprobs import Told
from worker.engines.saying.parting import Apart, apart
from worker.engines.saying.said import Said, until_end
from worker.engines.saying.thinking import Spoken, Thinking
from worker.engines.saying.vocabulary import Vocabulary

#: Characters of a broken answer that are shown.
_SHOWN_CHARS = 300


class _Counts(NamedTuple):
    """Tokens from the first on."""

    thought: int
    before_answer: int
    with_answer: int


class Answers:
    """Makes answers of the tokens of `tokenizer`, of which `ends` end an answer.

    `pixels_per_token` are those behind one visual token; None where that is not known. `thinking` is of the
    prompts of plain text.
    """

    def __init__(
        self,
        model: str,
        tokenizer: Any,
        ends: Collection[int],
        vocabulary: Vocabulary,
        *,
        pixels_per_token: int | None = None,
        thinking: Thinking,
    ) -> None:
        self._model, self._ends, self.thinking = model, ends, thinking
        self._spoken = Spoken(tokenizer)
        self._vocabulary, self._pixels_per_token = vocabulary, pixels_per_token

    def of(self, said: Said) -> Answer:
        """What was said; where that is no answer, its `failure` is `empty_answer` or `incomplete_answer`."""
        spoken, tokens, reason = self._text_of(said)
        # Held to a format, a token may have had to be; of any other, infinity is beyond the number format.
        fault = isnan if said.grammar else lambda logprob: isnan(logprob) or logprob == inf
        if any(map(fault, said.logprobs[: len(tokens)])):
            return self._answer("", said, tokens, reason).failing(self._without_numbers())
        parts = Apart(None, spoken.strip()) if said.grammar else apart(spoken, self.thinking)
        counts = self._counts_of(parts, tokens)
        if not parts.answer:
            answer = self._answer("", said, tokens, reason, counts)
            has_thought = parts.thought is not None
            failure = self._without_a_word(said, tokens, reason, has_thought=has_thought)
            return replace(answer.failing(failure), reasoning=parts.thought)
        if said.grammar is None:
            answer = self._answer(parts.answer, said, tokens, reason, counts)
            return replace(answer, reasoning=parts.thought)
        return self._as_asked(parts.answer, said, tokens, reason, said.grammar)

    def _counts_of(self, parts: Apart, tokens: Sequence[int]) -> _Counts:
        """How many of the tokens are thought, come before the answer, and up to its end."""
        places = {parts.thought_end, parts.begin, parts.end}
        counts: dict[int | None, int] = {
            place: self._spoken.count_of(tokens, place) for place in places if place is not None
        }
        unended = len(tokens) if parts.thought else 0
        thought = counts.get(parts.thought_end, unended)
        return _Counts(thought, counts.get(parts.begin, 0), counts.get(parts.end, len(tokens)))

    def _text_of(self, said: Said) -> tuple[str, Sequence[int], FinishReason]:
        """The text, its tokens, and why they end there."""
        tokens, reason = until_end(said.tokens, self._ends)
        if stopped := said.stopped:
            return stopped.text, tokens[: stopped.count], FinishReason.STOP
        text = self._spoken.text_of(tokens)
        if reason is FinishReason.LENGTH:
            # A letter may take several tokens, and the last one be cut in two.
            text = text.rstrip("\N{REPLACEMENT CHARACTER}")
        return text, tokens, reason

    def _as_asked(
        self, text: str, said: Said, tokens: Sequence[int], reason: FinishReason, grammar: Grammar
    ) -> Answer:
        """An answer that was held to a format: whole and as asked for, or failing, never anything else."""
        wanted = grammar.response_format
        # All jobs wait for the device's thread, which this is: what may take seconds is left to the job's.
        try:
            if reason is FinishReason.LENGTH:
                check_closed(text)
            _ = checked(text, wanted) if grammar.is_soon_checked else parsed(text)
        except NotAsAsked as error:
            reason = FinishReason.STOP if error.is_whole else reason
            answer = self._answer(text, said, tokens, reason)
            return answer.failing(self._incomplete(text, tokens, reason, error))
        sizes = [len(self._vocabulary.bytes_of(token)) for token in tokens]
        whole, of_each = field_confidence_of(text, sizes, said.logprobs)
        answer = self._answer(text, said, tokens, FinishReason.STOP)
        if of_each:
            answer = replace(answer, confidence=whole, field_confidence=of_each)
        if not grammar.is_soon_checked:
            answer = replace(answer, check=partial(self._mismatch, text, tokens, wanted))
        return answer

    def _mismatch(self, text: str, tokens: Sequence[int], wanted: ResponseFormat) -> EngineFailure | None:
        """Why JSON that is whole is not what was asked for, if it is not."""
        try:
            checked(text, wanted)
        except NotAsAsked as error:
            return self._incomplete(text, tokens, FinishReason.STOP, error)
        return None

    def _answer(
        self,
        text: str,
        said: Said,
        tokens: Sequence[int],
        reason: FinishReason,
        counts: _Counts | None = None,
    ) -> Answer:
        """The answer that the tokens are, all of them where nothing is counted."""
        thought, first, last = counts or (0, 0, len(tokens))
        # The end was chosen as well, be it a token or a text.
        stopped, ended = said.stopped, len(tokens) + (reason is FinishReason.STOP)
        logprobs = said.logprobs[first : stopped.count_with_stop if stopped else ended]
        size = self._pixels_per_token
        usage = Usage(
            visual_tokens=said.visual_tokens,
            read_pixels=size and size * said.visual_tokens,
            prompt_tokens=said.prompt_tokens,
            output_tokens=len(tokens),
            reasoning_tokens=thought,
        )
        return Answer(
            text,
            usage,
            reason,
            confidence=confidence_of(logprobs),
            logprobs=Told(said.choices, last, self._vocabulary, first) if said.choices else None,
        )

    def _incomplete(
        self, text: str, tokens: Sequence[int], reason: FinishReason, error: NotAsAsked
    ) -> EngineFailure:
        what = f"It said: {text[:_SHOWN_CHARS]}" + ("…" if len(text) > _SHOWN_CHARS else "")
        if reason is FinishReason.LENGTH:
            message = (
                f"The answer of {self._model} was not whole when its {len(tokens)} tokens were used up."
                f" Ask again with a larger max_new_tokens, or for less. {what}"
            )
        else:
            message = f"The answer of {self._model} is not what was asked for: {error}. {what}"
        return EngineFailure(message, code=Code.INCOMPLETE_ANSWER)

    def _without_numbers(self) -> EngineFailure:
        return EngineFailure(
            f"{self._model} gave no numbers for what comes next (NaN or infinity): what it computes is beyond"
            " its number format, or its weights are damaged. Set EVA01_DTYPE=bfloat16 or float32; if that"
            " does not help, download the model anew."
        )

    def _without_a_word(
        self, said: Said, tokens: Sequence[int], reason: FinishReason, *, has_thought: bool
    ) -> EngineFailure:
        if has_thought and reason is FinishReason.LENGTH:
            return EngineFailure(
                f"{self._model} was still thinking when its {len(tokens)} tokens were used up. Ask again with"
                " a larger max_new_tokens; EVA01_THINKING=off has it answer at once.",
                code=Code.INCOMPLETE_ANSWER,
            )
        message = f"{self._model} ended without a word. Ask in another way."
        if said.stopped:
            message = f"{self._model} began with a text at which it was to stop. Leave it out of `stop`."
        elif reason is FinishReason.LENGTH:
            message = (
                f"{self._model} had said no word when its {len(tokens)} tokens were used up."
                " Ask again with a larger max_new_tokens."
            )
        return EngineFailure(message, code=Code.EMPTY_ANSWER)
