"""Formats compiled for a model's tokens, each once."""

from collections import OrderedDict
from threading import Lock

from llguidance import LLMatcher

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.shape.checked import is_soon_checked
from jobs.shape.grammar import grammar_of
from worker.engines.saying.vocabulary import Vocabulary

#: Formats that are kept compiled: a batch has one, and few batches are answered at a time.
_KEPT = 64


class Grammar:
    """A format, compiled; shared by all rows that are held to it."""

    def __init__(self, response_format: ResponseFormat, compiled: LLMatcher) -> None:
        self.response_format = response_format
        #: False when comparing an answer with its schema may take seconds.
        self.is_soon_checked = is_soon_checked(response_format)
        self._compiled = compiled

    def begin(self) -> LLMatcher:
        """What follows one answer from its first token on."""
        return self._compiled.deep_copy()


class Grammars:
    """Compiles formats for the tokens of `vocabulary`; called from many threads at once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._compiled: OrderedDict[str, Grammar] = OrderedDict()
        self._lock = Lock()

    def of(self, response_format: ResponseFormat) -> Grammar:
        """The grammar of a format.

        Raises EngineFailure: `no_fields` when the model's tokens are not known well enough to hold answers to
        anything, `unsupported_schema` when they cannot be held to this.
        """
        text = grammar_of(response_format.schema_of_answer)
        # One at a time: a batch's slots all ask for the same one, and it takes a moment.
        with self._lock:
            if found := self._compiled.get(text):
                self._compiled.move_to_end(text)
                return found
            made = Grammar(response_format, self._compile(text))
            self._compiled[text] = made
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
            return made

    def _compile(self, text: str) -> LLMatcher:
        if not self._vocabulary.is_known:
            raise EngineFailure(
                "The tokenizer of this model says too little of its tokens to hold answers to fields."
                " Ask for text, or another model.",
                code=Code.NO_FIELDS,
            )
        compiled = LLMatcher(self._vocabulary.tokens, text, log_level=0)
        if compiled.is_error():
            raise EngineFailure(
                f"Answers cannot be held to the schema: {' '.join(compiled.get_error().split())[:300]}",
                code=Code.UNSUPPORTED_SCHEMA,
            )
        return compiled
