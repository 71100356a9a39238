"""What it costs to hold 16 rows to a schema, by each library: `python -m scripts.compare_grammars`.

xgrammar and outlines-core are no dependencies; install them beside: `pip install xgrammar outlines-core`. The
vocabulary is as large as that of Qwen2.5-VL, and made of this project's own pages, in English and Chinese.
"""

import importlib.util
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Protocol, cast

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
#: Tokens of Qwen2.5-VL, and rows of the bar.
_TOKENS, _ROWS = 151_936, 16
_LONGEST_TOKEN = 16
_END = _TOKENS - 1
_ROUNDS = 3
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "seller": {"type": "string"},
        "total": {"type": "number"},
        "currency": {"enum": ["EUR", "USD", "CNY", "JPY", "other"]},
        "day": {"type": "string", "format": "date"},
        "paid": {"type": "boolean"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                "required": ["name", "count"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["seller", "total", "currency", "day", "paid", "items"],
    "additionalProperties": False,
}
_ANSWER = {
    "seller": "Bäckerei 面包房 am Markt",
    "total": 23.45,
    "currency": "EUR",
    "day": "2026-11-26",
    "paid": True,
    "items": [{"name": "bread of rye, a large one", "count": 2}, {"name": "牛角面包", "count": 12}],
}
#: Schemas whose keywords change what is valid: a library that knows one not should say so.
_KEYWORDS: dict[str, Any] = {
    "not": {"not": {"type": "string"}},
    "if": {"if": {"type": "string"}, "then": {"maxLength": 1}},
    "uniqueItems": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
    "contains": {"type": "array", "contains": {"type": "string"}},
    "dependentRequired": {"type": "object", "dependentRequired": {"a": ["b"]}},
    "propertyNames": {"type": "object", "propertyNames": {"pattern": "^a$"}},
    "multipleOf": {"type": "integer", "multipleOf": 7},
    "patternProperties": {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
}


class Library(Protocol):
    """One way to hold rows to a schema."""

    def __init__(self, vocabulary: Sequence[bytes]) -> None: ...
    def begin(self, schema: dict[str, Any], rows: int) -> None: ...
    def masks(self) -> Any: ...
    def advance(self, tokens: Sequence[int]) -> None: ...
    def allows(self, row: int, token: int) -> bool: ...


class Llguidance:
    """llguidance: masks are made as they are asked for."""

    def __init__(self, vocabulary: Sequence[bytes]) -> None:
        from llguidance import LLExecutor, LLTokenizer

        self._executor = LLExecutor()
        self._tokens = LLTokenizer(cast(Any, Wrapped(vocabulary)))

    def begin(self, schema: dict[str, Any], rows: int) -> None:
        """Compile the schema, for so many rows."""
        from llguidance import LLMatcher
        from llguidance.numpy import allocate_token_bitmask

        how: Any = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
        compiled = LLMatcher(
            self._tokens, LLMatcher.grammar_from_json_schema(schema, overrides=how), log_level=0
        )
        if compiled.is_error():
            raise ValueError(compiled.get_error())
        self._rows = [compiled.deep_copy() for _ in range(rows)]
        self._mask = allocate_token_bitmask(rows, _TOKENS)

    def masks(self) -> Any:
        """What each row may say next."""
        from llguidance.numpy import fill_next_token_bitmask_par

        fill_next_token_bitmask_par(
            self._executor, [(one, row) for row, one in enumerate(self._rows)], self._mask
        )

    def advance(self, tokens: Sequence[int]) -> None:
        """Note what each has said."""
        self._executor.consume_token_par([*zip(self._rows, tokens, strict=True)])

    def allows(self, row: int, token: int) -> bool:
        """True when a row may say a token."""
        return bool(self._mask[row][token // 32] >> (token % 32) & 1)


class Xgrammar:
    """xgrammar: what does not depend on the context is worked out when a schema is compiled."""

    def __init__(self, vocabulary: Sequence[bytes]) -> None:
        import xgrammar

        tokens = xgrammar.TokenizerInfo([*vocabulary], vocab_size=_TOKENS, stop_token_ids=[_END])
        self._compiler = xgrammar.GrammarCompiler(tokens, cache_enabled=False)
        self._batch = xgrammar.BatchGrammarMatcher()

    def begin(self, schema: dict[str, Any], rows: int) -> None:
        """Compile the schema, for so many rows."""
        import xgrammar

        compiled = self._compiler.compile_json_schema(schema, any_whitespace=False)
        self._rows = [xgrammar.GrammarMatcher(compiled) for _ in range(rows)]
        self._mask = xgrammar.allocate_token_bitmask(rows, _TOKENS)

    def masks(self) -> Any:
        """What each row may say next."""
        self._batch.batch_fill_next_token_bitmask(self._rows, self._mask)

    def advance(self, tokens: Sequence[int]) -> None:
        """Note what each has said."""
        self._batch.batch_accept_token(self._rows, [*tokens])

    def allows(self, row: int, token: int) -> bool:
        """True when a row may say a token."""
        return bool(int(self._mask[row][token // 32]) >> (token % 32) & 1)


class OutlinesCore:
    """outlines-core: a schema as a regular expression, and an automaton over all tokens; a call a row."""

    def __init__(self, vocabulary: Sequence[bytes]) -> None:
        from outlines_core import Vocabulary

        numbers: dict[Any, list[int]] = {}
        for number, token in enumerate(vocabulary):
            if number != _END:
                numbers.setdefault(token, []).append(number)
        self._vocabulary = Vocabulary(_END, numbers)

    def begin(self, schema: dict[str, Any], rows: int) -> None:
        """Compile the schema, for so many rows."""
        from outlines_core import Guide, Index
        from outlines_core.json_schema import build_regex_from_schema

        index = Index(build_regex_from_schema(json.dumps(schema), " ?"), self._vocabulary)
        self._rows = [Guide(index) for _ in range(rows)]
        self._mask = np.zeros((rows, -(-_TOKENS // 32)), np.int32)

    def masks(self) -> Any:
        """What each row may say next."""
        for row, guide in enumerate(self._rows):
            words = self._mask[row]
            guide.write_mask_into(words.ctypes.data, words.size, words.itemsize)

    def advance(self, tokens: Sequence[int]) -> None:
        """Note what each has said."""
        for guide, token in zip(self._rows, tokens, strict=True):
            guide.advance(token, False)

    def allows(self, row: int, token: int) -> bool:
        """True when a row may say a token."""
        return bool(self._mask[row][token // 32] >> (token % 32) & 1)


class Wrapped:
    """A vocabulary as llguidance wants it; its last token ends an answer."""

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, vocabulary: Sequence[bytes]) -> None:
        self.tokens = [*vocabulary]
        self.eos_token_id = len(vocabulary) - 1
        self.special_token_ids = (self.eos_token_id,)
        self._numbers = {token: number for number, token in enumerate(vocabulary)}

    def __call__(self, text: str | bytes) -> list[int]:
        return tokenized(text if isinstance(text, bytes) else text.encode(), self._numbers)


def vocabulary(size: int) -> list[bytes]:
    """All bytes, the most frequent pieces of this project's pages, and an end."""
    counts: Counter[bytes] = Counter()
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = page.read_bytes()
        for length in range(2, _LONGEST_TOKEN + 1):
            counts.update(text[start : start + length] for start in range(0, len(text) - length, 3))
    pieces = [piece for piece, _ in counts.most_common(size - 257)]
    return [*(bytes([byte]) for byte in range(256)), *pieces, b"<|end|>"]


def tokenized(text: bytes, numbers: dict[bytes, int]) -> list[int]:
    """The longest token that fits, one after the other."""
    found, place = [], 0
    while place < len(text):
        for length in range(min(_LONGEST_TOKEN, len(text) - place), 0, -1):
            if (number := numbers.get(text[place : place + length])) is not None:
                found.append(number)
                place += length
                break
    return found


def measured(kind: Callable[[Sequence[bytes]], Library], words: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds: to read the vocabulary, to compile, and a step's masks for all rows."""
    numbers = {token: number for number, token in enumerate(words)}
    said = tokenized(json.dumps(_ANSWER, ensure_ascii=False, separators=(", ", ": ")).encode(), numbers)
    library, read_ms = _timed_ms(lambda: kind(words))
    _, compile_ms = _timed_ms(lambda: library.begin(_SCHEMA, _ROWS))
    _, again_ms = _timed_ms(lambda: library.begin(_SCHEMA, _ROWS))
    steps_ms: list[float] = []
    for _ in range(_ROUNDS):
        library.begin(_SCHEMA, _ROWS)
        for token in said:
            steps_ms.append(_timed_ms(library.masks)[1])
            if not library.allows(_ROWS - 1, token):
                raise ValueError(f"{words[token]!r} is not allowed where it should be")
            steps_ms[-1] += _timed_ms(lambda token=token: library.advance([token] * _ROWS))[1]  # type: ignore[misc]
    return {
        "vocabulary": read_ms,
        "compile": compile_ms,
        "again": again_ms,
        "step": median(steps_ms),
        "p99": quantiles(steps_ms, n=100)[-1],
        "most": max(steps_ms),
    }


def passed_over(kind: Callable[[Sequence[bytes]], Library], words: Sequence[bytes]) -> Iterator[str]:
    """Keywords that change what is valid, and that a library takes without a word and does not keep."""
    library = kind([*words[:256], words[-1]])
    broken = {
        "not": '"a"',
        "if": '"abc"',
        "uniqueItems": "[1, 1]",
        "contains": "[1]",
        "dependentRequired": '{"a": 1}',
        "propertyNames": '{"b": 1}',
        "multipleOf": "8",
        "patternProperties": '{"a": "x"}',
    }
    for keyword, schema in _KEYWORDS.items():
        try:
            library.begin(schema, 1)
            for byte in broken[keyword].encode():
                library.masks()
                if not library.allows(0, byte):
                    break
                library.advance([byte])
            else:
                yield keyword
        except Exception:  # noqa: S112 - whatever it raises, it has said that it does not know the keyword
            continue


def _timed_ms(call: Callable[[], Any]) -> tuple[Any, float]:
    began_s = time.perf_counter()
    result = call()
    return result, (time.perf_counter() - began_s) * 1000


def main() -> None:
    """Measure and print."""
    words = vocabulary(_TOKENS)
    print(f"{len(words):,} tokens, {_ROWS} rows")
    kinds: dict[str, Callable[[Sequence[bytes]], Library]] = {
        "llguidance": Llguidance,
        "xgrammar": Xgrammar,
        "outlines_core": OutlinesCore,
    }
    for name, kind in kinds.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        try:
            found = measured(kind, words)
        except ValueError as error:
            print(f"{name}: {error}")
            continue
        print(f"{name}: " + ", ".join(f"{what} {value:.2f} ms" for what, value in found.items()))
        print(f"{name} passes over in silence: {', '.join(passed_over(kind, words)) or 'none'}")


if __name__ == "__main__":
    main()
