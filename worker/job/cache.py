"""Reuse an earlier answer to the same image and recipe, of the same owner, without the device.

A recipe is all else that decides an answer: the question with the prompt around it, model, options as they
take effect, the engine's weights and settings, and our own version. The index holds no answer of its own: an
entry names the job that has it, and is gone when that job is deleted. Errors are never reused, nor is what
was drawn without a seed.
"""

import hashlib
import json

from jobs.contract.catalog import QUESTION
from jobs.contract.models import Job, Options, Result
from jobs.contract.version import own_version
from jobs.storage.store import JobStore
from worker.job.logprobs import Logprobs
from worker.job.prompt import told
from worker.ops.metrics import ModelMetrics

#: Hexadecimal digits of a recipe: 128 bits, in each record.
_DIGITS = 32
#: Fields that a job takes over from the earlier one: all that the model said.
_SAME = set(Result.model_fields) - {"error", "cached"}


class AnswerCache:
    """Finds answers of a worker whose engine is `identity`; safe to use from many threads.

    An answer whose job asked for logprobs comes with a copy of them, or not at all.

    `usual` are the options that hold where a job does not say, `prompt` what the model is told around each
    question. With `is_on` False, nothing is found and
    nothing indexed.
    """

    def __init__(
        self,
        store: JobStore,
        logprobs: Logprobs,
        metrics: ModelMetrics,
        identity: str,
        usual: Options,
        prompt: str = QUESTION,
        *,
        is_on: bool,
    ) -> None:
        self._store, self._logprobs, self._metrics = store, logprobs, metrics
        self._identity = f"{identity}, eva01 {own_version()}"
        self._usual = usual.model_dump(mode="json")
        self._prompt = prompt
        self._is_on = is_on

    def recipe(self, job: Job) -> str | None:
        """The recipe to index the job's answer by; None when it is not to be reused."""
        if not self._is_on or job.image is None:
            return None
        question, own = told(self._prompt, job)
        if own.is_drawn and own.seed is None:
            return None
        unused = set() if own.is_drawn else {"temperature", "top_p", "seed"}
        options = self._usual | own.model_dump(mode="json", exclude_none=True, exclude=unused)
        parts = [question, job.model, options, self._identity, *job.images[1:]]
        if job.page:
            parts.append(f"page {job.page}")
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGITS]

    def find(self, job: Job) -> Result | None:
        """The answer that an earlier job of the owner has; raises redis.RedisError when Redis is away."""
        recipe = self.recipe(job)
        if recipe is None or job.image is None:
            return None
        known = self._store.known_answer(job.images, recipe, job.owner)
        if known and known.finish_reason is None:
            # Nobody noted whether it is whole.
            known = None
        if known and job.options.top_logprobs is not None and not self._logprobs.copy(known, job):
            known = None
        self._metrics.count_lookup("hit" if known else "miss")
        return _reused(known) if known else None


def _reused(known: Job) -> Result:
    """An earlier job's answer, which takes nothing of the device now."""
    result = Result.model_validate(known.model_dump(include=_SAME) | {"cached": True})
    usage = result.usage and result.usage.model_copy(update={"device_s": None})
    return result.model_copy(update={"usage": usage})
