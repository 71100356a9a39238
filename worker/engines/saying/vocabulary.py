"""The bytes of a model's tokens."""

from collections.abc import Collection
from functools import cached_property
from threading import Lock
from typing import Any

from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from worker.engines.saying.thinking import is_control


class Vocabulary:
    """Knows the tokens of `tokenizer`, of which `ends` end an answer; called from many threads at once.

    `width` is that of the logits, which may be wider.
    """

    def __init__(self, tokenizer: Any, ends: Collection[int], width: int) -> None:
        self._tokenizer, self._ends, self._width = tokenizer, sorted(ends), width
        self._read: LLTokenizer | None = None
        self._lock = Lock()

    @property
    def is_known(self) -> bool:
        """False for a tokenizer that says too little of its tokens."""
        return isinstance(self._tokenizer, PreTrainedTokenizerFast)

    @property
    def tokens(self) -> LLTokenizer:
        """All of them, as the library that holds answers to formats wants them; read when first asked."""
        if self._read is None:
            with self._lock:
                self._read = self._read or from_tokenizer(
                    self._tokenizer, n_vocab=self._width, eos_token=self._ends
                )
        return self._read

    def bytes_of(self, token: int) -> bytes:
        """A token's text in UTF-8, perhaps a part of a character; the name of one that is no text."""
        return bytes(self.tokens.decode_bytes([token]))

    def text_of(self, token: int) -> bytes:
        """The same as it stands in an answer: nothing where the token controls the model, or ends it."""
        return b"" if token in self._control else self.bytes_of(token)

    def shown(self, token: int) -> tuple[str, list[int] | None]:
        """A token's text for people, with U+FFFD for parts of characters; and its bytes, if it is text.

        It is none where it controls the model, or no token has that place in the logits.
        """
        octets = self.bytes_of(token)
        is_text = token < self._size and token not in self._control
        return octets.decode("utf-8", "replace"), [*octets] if is_text else None

    @cached_property
    def _size(self) -> int:
        return len(self._tokenizer)

    @cached_property
    def _control(self) -> frozenset[int]:
        """Those that are left out where an answer's text is made."""
        added = self._tokenizer.added_tokens_decoder
        control = {id_ for id_, token in added.items() if is_control(token)}
        return frozenset(control.union(self._ends))
