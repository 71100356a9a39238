"""What vLLM is told of one answer, and what of that it cannot do. Imports neither vLLM nor torch."""

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Options
from jobs.shape.grammar import grammar_of

if TYPE_CHECKING:
    from worker.engines.seeing.processors import JobInput

#: Of the likeliest tokens so many tell whether there was a choice where an answer is held to a format.
_TELL_A_CHOICE = 2
#: The least temperature at which vLLM draws.
LEAST_TEMPERATURE = 0.01
#: vLLM takes -1 for no seed.
_SEEDS = 2**63 - 1


def check(options: Options, *, has_penalty: bool) -> None:
    """Raises EngineFailure for what vLLM would answer otherwise than was asked for."""
    if options.is_drawn and (options.temperature or 0) < LEAST_TEMPERATURE:
        raise EngineFailure(
            f"temperature is {options.temperature}, and vLLM draws at {LEAST_TEMPERATURE} at least. Ask for"
            " that, or for 0, which is always the likeliest.",
            code=Code.NO_SAMPLING,
        )
    if options.top_logprobs is None:
        return
    if options.response_format:
        raise EngineFailure(
            "vLLM says of an answer that is held to a format how likely its tokens were among those that the"
            " format allows, and not what the model thought. Leave out logprobs or the format.",
            code=Code.NO_LOGPROBS,
        )
    if options.is_drawn and has_penalty:
        raise EngineFailure(
            "This model has a repetition penalty, with which vLLM says how likely tokens were only after"
            " temperature and top_p. Leave out logprobs, or ask with temperature 0.",
            code=Code.NO_LOGPROBS,
        )


def parameters(
    job: "JobInput", *, ends: Collection[int], penalty: float, is_streamed: bool
) -> dict[str, Any]:
    """The parameters of a job's answer, which ends at the tokens `ends`.

    What nobody listens to, and where no text is looked for, comes as a whole.
    """
    grammar, sampling = job.grammar, job.sampling
    how: dict[str, Any] = {"temperature": 0.0}
    if sampling:
        seed = sampling.seed & _SEEDS
        how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
    if grammar:
        how["json"] = _schema(grammar.response_format.schema_of_answer)
    return {
        **how,
        "max_tokens": job.max_new_tokens,
        "repetition_penalty": penalty,
        # It would end at the tokenizer's, whatever the model's makers say.
        "ignore_eos": True,
        "stop_token_ids": sorted(ends),
        "logprobs": max(job.top_logprobs or 0, _TELL_A_CHOICE if grammar else 0),
        "is_streamed": is_streamed or job.stops is not None,
    }


def _schema(schema: dict[str, Any]) -> str:
    """A schema with how its JSON is to be written, as our own engine holds answers to it."""
    (one,) = json.loads(grammar_of(schema))["grammars"]
    return json.dumps(one["json_schema"])
