"""Answers that are there already: who asks the same of the same image need not wait for the device.

What decides an answer is its recipe: question, model, options as they take effect, the engine's weights
and settings, and our own version. An answer is not copied. It stays with the job that has it, and is gone
when that is deleted; an error is never found again.
"""

import hashlib
import json

from jobs.contract.models import Job, Result
from jobs.contract.version import own_version
from jobs.storage.store import JobStore
from worker.ops.metrics import ModelMetrics

#: Hexadecimal digits of a recipe: 128 bits, in each record.
_DIGITS = 32
#: What of an earlier job is a later one's as well: all that was said.
_SAME = set(Result.model_fields) - {"error", "cached"}


class AnswerCache:
    """Finds answers of a worker whose engine is `identity`; safe to use from many threads.

    `max_new_tokens` is the longest answer when a job does not say. With `is_on` False, nothing is found
    and nothing noted.
    """

    def __init__(
        self, store: JobStore, metrics: ModelMetrics, identity: str, max_new_tokens: int, *, is_on: bool
    ) -> None:
        self._store, self._metrics = store, metrics
        self._identity = f"{identity}, eva01 {own_version()}"
        self._max_new_tokens = max_new_tokens
        self._is_on = is_on

    def recipe(self, job: Job) -> str | None:
        """What to note the job's answer under; None when it is not to be found again."""
        if not self._is_on or job.image is None:
            return None
        longest = {"max_new_tokens": job.options.max_new_tokens or self._max_new_tokens}
        options = job.options.model_copy(update=longest).model_dump(mode="json")
        parts = [job.question, job.model, options, self._identity, *job.images[1:]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_DIGITS]

    def find(self, job: Job) -> Result | None:
        """The answer that an earlier job has; raises redis.RedisError when Redis is away."""
        recipe = self.recipe(job)
        if recipe is None or job.image is None:
            return None
        known = self._store.known_answer(job.images, recipe)
        self._metrics.count_lookup("hit" if known else "miss")
        return Result.model_validate(known.model_dump(include=_SAME) | {"cached": True}) if known else None
