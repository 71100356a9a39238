"""What a worker counts. Names are part of the contract; docs/metrics.md lists them."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from jobs.contract.metrics import CANCELLATIONS, JOBS_TOTAL
from jobs.contract.models import FinishReason, Job, JobState, Usage

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_WAIT_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)

_WAIT = Histogram(
    "eva01_job_wait_seconds",
    "How long a job waited in the queue before a worker began it.",
    ["model"],
    buckets=_WAIT_SECONDS,
)
_RUN = Histogram(
    "eva01_job_run_seconds",
    "How long a worker held a job, from its begin to its stored answer.",
    ["model"],
    buckets=_SECONDS,
)
_STAGE = Histogram(
    "eva01_stage_seconds",
    "How long each stage took: fetch, decode, see and thumbnail once an image in flight, prepare and store"
    " once a job, generate once a static batch or once a job of a rolling one.",
    ["model", "stage"],
    buckets=_SECONDS,
)
_BATCH_SIZE = Histogram(
    "eva01_batch_size",
    "How many images were on the device together, once a static batch or once a step of a rolling one.",
    ["model"],
    buckets=(1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128),
)
_STEPS = Counter(
    "eva01_steps_total",
    "How many steps without new prompts were recorded ones (CUDA graphs) or plain, were tried beside a plain"
    " one, differed from it, or could not be recorded.",
    ["kind"],
)
_DEVICE = Counter(
    "eva01_device_seconds_total",
    "How long the device was busy, and how long it was idle because nothing was ready for it.",
    ["model", "activity"],
)
_VISUAL_TOKENS = Counter(
    "eva01_visual_tokens_total", "How many tokens the answered images took in the model.", ["model"]
)
_OUTPUT_TOKENS = Counter(
    "eva01_output_tokens_total", "How many tokens the models wrote in their answers.", ["model"]
)
_PROMPT_TOKENS = Counter(
    "eva01_prompt_tokens_total",
    "How many tokens of answered prompts a rolling batch read, and how many it had read for another job that"
    " begins alike (shared).",
    ["model", "source"],
)
_ANSWERS = Counter(
    "eva01_answers_total",
    "How many answers came whole (stop), and how many cut at the most tokens that they might have (length).",
    ["model", "finish_reason"],
)
_CACHE = Counter(
    "eva01_answer_cache_total",
    "How many jobs had an answer from an earlier job, and how many had to be run.",
    ["model", "outcome"],
)
_LEASES = Counter(
    "eva01_lease_renewals_total",
    "How often workers renewed the lease on what they hold, and how that went.",
    ["model", "outcome"],
)
_REDELIVERIES = Counter(
    "eva01_redeliveries_total",
    "How many jobs went back to the queue, because their worker crashed, was drained, or had a batch on its"
    " device for too long.",
    ["model", "reason"],
)
_UNREADABLE = Counter(
    "eva01_unreadable_messages_total", "How many messages came as tickets of a model and are none.", ["model"]
)
_QUARANTINED = Counter(
    "eva01_quarantined_total", "How many jobs are not tried again, because they took workers down.", ["model"]
)
_DRAIN = Gauge(
    "eva01_drain_seconds", "How long this worker has been stopping; 0 when it was not told to.", ["model"]
)
_LOAD = Gauge("eva01_model_load_seconds", "How long this worker took to load its model.", ["model"])


def count_step(kind: str) -> None:
    """Count a step where steps are recorded: `recorded`, `plain`, `tried`, `differed` or `failed`."""
    _STEPS.labels(kind).inc()


class ModelMetrics:
    """The counters of one model, so that its label is named once."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.batch_size = _BATCH_SIZE.labels(model)
        self.run_seconds = _RUN.labels(model)
        self.load_seconds = _LOAD.labels(model)
        self.drain_seconds = _DRAIN.labels(model)
        # There from the beginning, so that the first one is an increase.
        _UNREADABLE.labels(model)
        for kind in ("recorded", "plain", "tried", "differed", "failed"):
            _STEPS.labels(kind)
        self.count_prompt(0, 0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage, whether it ends well or not."""
        started_s = perf_counter()
        try:
            yield
        finally:
            self.observe_stage(name, perf_counter() - started_s)

    def observe_stage(self, name: str, seconds: float) -> None:
        """Note a stage that was measured elsewhere."""
        _STAGE.labels(self._model, name).observe(seconds)

    @contextmanager
    def device(self, activity: str) -> Iterator[None]:
        """Count the device's time, whether it ends well or not: `busy` or `idle`."""
        started_s = perf_counter()
        try:
            yield
        finally:
            _DEVICE.labels(self._model, activity).inc(perf_counter() - started_s)

    def count_prompt(self, read_tokens: int, shared_tokens: int) -> None:
        """Count the tokens of a prompt: those that were read for it, and those that others had read."""
        _PROMPT_TOKENS.labels(self._model, "read").inc(read_tokens)
        _PROMPT_TOKENS.labels(self._model, "shared").inc(shared_tokens)

    def count_lookup(self, outcome: str) -> None:
        """Count a lookup in the answer cache: `hit` or `miss`."""
        _CACHE.labels(self._model, outcome).inc()

    def count_renewal(self, outcome: str) -> None:
        """Count a renewal of the lease: `renewed` or `failed`."""
        _LEASES.labels(self._model, outcome).inc()

    def count_redelivery(self, reason: str) -> None:
        """Count a job that went back to the queue: `crash`, `drain`, `deadline` or `away`."""
        _REDELIVERIES.labels(self._model, reason).inc()

    def count_cancellation(self, phase: str) -> None:
        """Count a cancelled job: `held` had no answer, `device` dropped one; web counts those `queued`."""
        CANCELLATIONS.labels(self._model, phase).inc()

    def count_unreadable(self, count: int) -> None:
        """Count messages that are no tickets."""
        _UNREADABLE.labels(self._model).inc(count)

    def count_quarantined(self) -> None:
        """Count a job that is not tried again."""
        _QUARANTINED.labels(self._model).inc()

    def count_begun(self, job: Job) -> None:
        """Count a job that a slot has begun, and how long it had waited."""
        JOBS_TOTAL.labels(self._model, JobState.RUNNING.value).inc()
        if job.started_at:
            waited = job.started_at - (job.queued_at or job.created_at)
            _WAIT.labels(self._model).observe(max(0.0, waited.total_seconds()))

    def count_finished(self, state: JobState, reason: FinishReason | None, usage: Usage | None) -> None:
        """Count a job whose result is stored, why its answer ends, and the tokens that ran for it."""
        JOBS_TOTAL.labels(self._model, state.value).inc()
        # What failed without being cut is no whole answer.
        if reason is FinishReason.LENGTH or (reason and state is JobState.SUCCEEDED):
            _ANSWERS.labels(self._model, reason.value).inc()
        if usage:
            _VISUAL_TOKENS.labels(self._model).inc(usage.visual_tokens)
            _OUTPUT_TOKENS.labels(self._model).inc(usage.output_tokens)
