"""What a model answers to sample inputs when each is alone: the reference for a rolling batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from jobs.contract.catalog import NANO
from jobs.contract.errors import Eva01Error
from jobs.contract.settings import WorkerSettings
from tests.clock import Clock
from worker.engines import create_engine
from worker.engines.company import Company
from worker.engines.constraint.generating import Held
from worker.engines.constraint.masks import Masks
from worker.engines.rolling import loop as loop_module
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Outcome, Request
from worker.engines.seeing.processors import JobInput
from worker.engines.transformers_engine import TransformersEngine

QUESTIONS = ("Describe this image.", "描述这张图片的内容和颜色", "How many shapes are there?")
#: How examples are drawn: the same in each run, with fixtures that none of them changes.
DRAWN = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: The largest token limit of a request in these tests.
LONGEST = 24
#: The sample input of sixteen images, which is the last.
SEVERAL = 9
SETTINGS = WorkerSettings(dtype="float32", device="cpu")


def loaded() -> TransformersEngine:
    made = create_engine(NANO, SETTINGS)
    assert isinstance(made, TransformersEngine)
    made.load()
    return made


@dataclass
class Reference:
    """A model, sample inputs, and its answer to each when that is alone (the reference)."""

    model: Any
    ends: frozenset[int]
    tensors: list[Any]
    alone: list[tuple[int, ...]]
    #: How each is answered: its grammar, its sampling.
    how: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, model: Any, ends: frozenset[int], tensors: list[Any]) -> "Reference":
        return cls(model, ends, tensors, [answer_alone(model, one) for one in tensors])

    @classmethod
    def of_jobs(cls, engine: TransformersEngine, jobs: Sequence[JobInput]) -> "Reference":
        """The same of jobs that may be held to a format, or drawn."""
        how = [{"grammar": job.grammar, "sampling": job.sampling} for job in jobs]
        tensors = [dict(job.tensors) for job in jobs]
        return cls(
            engine._model, engine._conversation.ends, tensors, [job_alone(engine, job) for job in jobs], how
        )

    def loop(
        self,
        *,
        slots=4,
        budget_tokens=10_000,
        prefill_tokens=512,
        timeout_s=60.0,
        shares_prefixes=True,
        clock=None,
        recorder=None,
        in_place=None,
    ) -> RollingLoop:
        return RollingLoop(
            self.model,
            self.ends,
            rows=slots,
            budget_tokens=budget_tokens,
            prefill_tokens=prefill_tokens,
            timeout_s=timeout_s,
            shares_prefixes=shares_prefixes,
            clock=clock or Clock(0),
            recorder=recorder,
            in_place=in_place,
        )

    def request(self, number: int, longest: int = LONGEST, **how: Any) -> Request:
        own = self.how[number] if self.how else {}
        return self.loop().request(self.tensors[number], longest, **own, **how)

    def answer(self, number: int, longest: int = LONGEST) -> tuple[int, ...]:
        return self.alone[number][:longest]


def answer_alone(model: Any, tensors: Any) -> tuple[int, ...]:
    out = model.generate(**tensors, max_new_tokens=LONGEST)
    return tuple(out[0, tensors["input_ids"].shape[1] :].tolist())


def job_alone(engine: TransformersEngine, job: JobInput) -> tuple[int, ...]:
    """The same of a job that may be held to a format, or drawn."""
    model, prompt = engine._model, job.tensors["input_ids"].shape[1]
    matcher = job.grammar.begin() if job.grammar else None
    masks = Masks(model.config.get_text_config().vocab_size, model.device, 1)
    held = Held(masks, [matcher], engine._conversation.ends, [None], [job.sampling])
    out = model.generate(**job.tensors, max_new_tokens=LONGEST, logits_processor=[held])
    return tuple(out[0, prompt:].tolist())


def run(loop: RollingLoop) -> dict[Request, Outcome]:
    return {outcome.request: outcome for outcomes in turns(loop) for outcome in outcomes}


def failure_of(outcome: Outcome) -> Eva01Error:
    assert outcome.failure is not None
    return outcome.failure


def turns(loop: RollingLoop) -> Iterator[Sequence[Outcome]]:
    """Take turns until the loop is idle; fails after a limit of turns."""
    for _ in range(10_000):
        if loop.is_idle:
            return
        yield loop.turn()
    raise AssertionError("10,000 turns, and it is not idle")


def submit(loop: RollingLoop, *requests: Request) -> None:
    for request in requests:
        loop.submit(request)


def arrivals(inputs: int, *, fewest: int, most: int, latest: int) -> st.SearchStrategy[list[Any]]:
    """Requests, each about one of so many inputs, which may be cancelled at turns up to the `latest`."""
    request = st.tuples(
        st.integers(0, inputs - 1),
        st.integers(1, LONGEST),
        st.integers(0, 12),
        st.booleans(),
        st.sampled_from(Company),
        st.integers(0, latest),
    )
    return st.lists(request, min_size=fewest, max_size=most)


def assert_each_answer_is_the_one_given_alone(reference: Reference, arrivals, **how: Any) -> None:
    """Request n comes at turn `at`, and is cancelled at turn `off` if that is early."""
    loop = reference.loop(**how)
    asked = [
        (reference.request(n, most, is_interactive=first, company=company), n, at, off)
        for n, most, at, first, company, off in arrivals
    ]
    outcomes = []
    for turn in range(500):
        for request, _, at, off in asked:
            if turn == at:
                loop.submit(request)
            if turn == max(at, off) and off < 20:
                loop.cancel(request)
        outcomes += loop.turn()
    assert loop.is_idle
    assert len(outcomes) == len(asked)
    said = {outcome.request: outcome for outcome in outcomes}
    for request, number, _, off in asked:
        if said[request].is_cancelled:
            assert off < 20
        else:
            assert said[request].tokens == reference.answer(number, request.max_new_tokens)


#: Jobs that arrive at different turns, with different token limits.
MIXED = [(n % 10, 1 + 7 * n % LONGEST, n % 5, n % 3 == 0, Company.INNOCENTS, 60) for n in range(12)]


def fail(monkeypatch, where: str, error: Exception, when: Callable[..., bool]) -> None:
    """Make the prefill or the step fail when `when`, which is given what it is called with, says so."""
    work = getattr(loop_module, where)

    def work_or_fail(*arguments):
        if when(*arguments):
            raise error
        return work(*arguments)

    monkeypatch.setattr(loop_module, where, work_or_fail)
