"""What it costs to hold rows to a schema, and to say how sure each token was."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from llguidance import LLMatcher, LLTokenizer

from jobs.contract.asking.response_format import ResponseFormat
from jobs.shape.grammar import grammar_of
from scripts.compare_grammars import Wrapped, vocabulary
from scripts.rolling.load import draw_jobs
from scripts.rolling.measures import timed
from scripts.rolling.serving import new_loop
from worker.engines.constraint.grammars import Grammar
from worker.engines.rolling import loop as loop_module
from worker.engines.rolling.loop import RollingLoop

#: Steps of one round.
_STEPS = 60
_ITEM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "count": {"type": "integer", "minimum": 0, "maximum": 999},
        "kind": {"enum": ["receipt", "invoice", "letter", "other"]},
        "day": {"type": ["string", "null"], "format": "date"},
    },
    "required": ["name", "count", "kind", "day"],
    "additionalProperties": False,
}
#: Longer than any answer of the bench.
SCHEMA = {"type": "array", "items": _ITEM, "minItems": 1000}


def held(model: Any, rows: int, seed: int) -> dict[str, float]:
    """What `compare` finds of `rows` rows."""
    return compare(_filled(model, rows, seed, None), _filled(model, rows, seed, _grammar(model)))


def compare(plain: RollingLoop, with_schema: RollingLoop) -> dict[str, float]:
    """Steps of rows each held to a schema, over those of the same rows without; and shares of a step.

    `masks` is the share of a step with schemas that they take, `sure` that of saying how sure a token was.
    """
    plain_s = held_s = masks_s = sure_s = 0.0
    for _ in range(_STEPS):
        plain_s += timed(plain.turn)
        with _measured(with_schema) as (masks, sure):
            held_s += timed(with_schema.turn)
        masks_s, sure_s = masks_s + sum(masks), sure_s + sum(sure)
    return {"ratio": held_s / plain_s, "masks": masks_s / held_s, "sure": sure_s / held_s}


def _filled(model: Any, rows: int, seed: int, grammar: Grammar | None) -> RollingLoop:
    loop = new_loop(model, rows)
    for job in draw_jobs(rows, lambda _: 250, seed):
        loop.submit(loop.request(job.tensors, job.output_tokens, grammar=grammar))
    while loop.in_flight < rows:
        loop.turn()
    return loop


@lru_cache(maxsize=1)
def _grammar(model: Any) -> Grammar:
    wanted = ResponseFormat.of_schema(SCHEMA)
    words = vocabulary(model.config.get_text_config().vocab_size)
    grammar = grammar_of(wanted.schema_of_answer)
    return Grammar(wanted, LLMatcher(LLTokenizer(cast(Any, Wrapped(words))), grammar, log_level=0))


@contextmanager
def _measured(loop: RollingLoop) -> Iterator[tuple[list[float], list[float]]]:
    """Collects the seconds of each call for masks, and of each for probabilities."""
    masks: list[float] = []
    sure: list[float] = []
    own, module = loop._masks, cast(Any, loop_module)
    apply, advance, logprobs_of = own.apply, own.advance, module.logprobs_of

    def noted(call: Any, seconds: list[float]) -> Any:
        def run(*arguments: Any) -> Any:
            results: list[Any] = []
            seconds.append(timed(lambda: results.append(call(*arguments))))
            return results[0]

        return run

    own.apply, own.advance = noted(apply, masks), noted(advance, masks)  # type: ignore[method-assign]
    module.logprobs_of = noted(logprobs_of, sure)
    try:
        yield masks, sure
    finally:
        own.apply, own.advance = apply, advance  # type: ignore[method-assign]
        module.logprobs_of = logprobs_of
