"""The jobs that vLLM has: who goes, who waits, and what becomes of them when its engine is lost.

In its place stands one that says what a test has it say, in a real event loop in another thread.
"""

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import pytest
import torch

from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import Usage
from worker.engines.base import Answer, DeviceLost, Ended, GoesBack
from worker.engines.company import Company
from worker.engines.sampling import Sampling
from worker.engines.saying.said import Said
from worker.engines.seeing.processors import JobInput
from worker.engines.vllm.gathered import Gathered, Part
from worker.engines.vllm.parameters import parameters
from worker.engines.vllm.requests import Asked, CoreDead, Request, Requests


class Scripted:
    """Says the tokens of a prompt, which are its list; a prompt that is empty waits until it is aborted."""

    def __init__(self) -> None:
        self.is_dead, self.comes_back = False, True
        self.said: list[Any] = []
        self.aborted: list[Any] = []

    async def is_there(self, within_s: float) -> bool:
        return self.comes_back

    async def say(self, prompt: Any, parameters: Any, priority: int) -> AsyncGenerator[Part, None]:
        self.said.append((prompt, priority))
        try:
            if prompt == "dies":
                self.is_dead = True
                raise CoreDead("vLLM's engine has died")
            if prompt == "fails":
                raise EngineFailure("vLLM takes no such job")
            for token in prompt:
                yield Part([token], [((token,), (-0.5,))])
            if not prompt:
                await asyncio.Event().wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.aborted.append(prompt)
            raise


@pytest.fixture
def core() -> Scripted:
    return Scripted()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def requests(core: Scripted, loop: asyncio.AbstractEventLoop) -> Requests:
    return made(core, loop)


def made(core: Scripted, loop: asyncio.AbstractEventLoop, timeout_s: float = 600) -> Requests:
    return Requests(loop, core, answer_of, lambda job, hear: None, timeout_s)


def answer_of(said: Said) -> Answer:
    return Answer(" ".join(map(str, said.tokens)), Usage())


def job(**more: Any) -> JobInput:
    return JobInput(1, 9, {"input_ids": torch.zeros(1, 3)}, **more)


def send(requests: Requests, prompt: Any, company: Company = Company.INNOCENTS, *, single=False) -> Request:
    request = requests.request(Asked(job(), prompt, {}), company=company, is_interactive=single)
    requests.submit(request)
    return request


def until_idle(requests: Requests) -> list[Ended[Request]]:
    ended: list[Ended[Request]] = []
    while not requests.is_idle:
        ended += requests.turn()
    return ended


def text_of(ended: Sequence[Ended[Request]], request: Request) -> str:
    (one,) = [one for one in ended if one.request is request]
    assert isinstance(one.outcome, Answer)
    return one.outcome.text


def test_each_job_has_its_own_answer_and_its_part_of_the_time(requests):
    asked = [send(requests, [number, number + 1]) for number in range(5)]
    ended = until_idle(requests)
    assert [text_of(ended, request) for request in asked] == ["0 1", "1 2", "2 3", "3 4", "4 5"]
    for one in ended:
        assert isinstance(one.outcome, Answer)
        assert one.device_s >= (one.outcome.usage.device_s or 0) >= 0


def test_prompts_have_nothing_in_common_beyond_their_owner(requests):
    prompt = {"prompt_token_ids": [1, 2], "mm_hashes": {"image": ["a", "b"]}}

    def of(owner: str | None) -> Any:
        asked = Asked(job(), prompt, {})
        request = requests.request(asked, company=Company.INNOCENTS, is_interactive=False, owner=owner)
        return request.asked.prompt

    assert of(None) == prompt
    assert of("ann") == of("ann")
    for key in ("cache_salt", "mm_hashes"):
        assert of("ann")[key] != of("ben")[key]
    assert of("ann")["mm_hashes"] != prompt["mm_hashes"]
    assert of("ann")["prompt_token_ids"] == [1, 2]


def test_single_questions_have_the_lower_number_which_goes_first(requests, core):
    send(requests, [1])
    send(requests, [2], single=True)
    until_idle(requests)
    assert core.said == [([2], 0), ([1], 1)]


def test_one_that_fails_fails_alone(requests):
    bad, good = send(requests, "fails"), send(requests, [1])
    ended = until_idle(requests)
    assert text_of(ended, good) == "1"
    assert [str(one.outcome) for one in ended if one.request is bad] == ["vLLM takes no such job"]


def test_what_is_cancelled_is_aborted_there_and_where_it_waits(requests, core):
    there, waits = send(requests, []), send(requests, [1], Company.NOBODY)
    while not core.said:
        requests.turn()
    requests.cancel(waits)
    requests.cancel(there)
    ended = until_idle(requests)
    assert {one.request: one.outcome for one in ended} == {there: None, waits: None}
    assert (core.said, core.aborted) == ([([], 1)], [[]])


def test_a_suspect_of_two_crashes_is_there_alone(requests, core):
    first = send(requests, [])
    while not core.said:
        requests.turn()
    alone, after = send(requests, [7], Company.NOBODY), send(requests, [8])
    assert not [*requests.turn(), *requests.turn()]
    assert core.said == [([], 1)]
    requests.cancel(first)
    ended = until_idle(requests)
    assert (text_of(ended, alone), text_of(ended, after)) == ("7", "8")
    assert core.said == [([], 1), ([7], 1), ([8], 1)]


def test_all_that_a_dead_engine_had_are_suspects_and_what_waited_is_none(requests, core):
    had = [send(requests, []), send(requests, "dies")]
    send(requests, [1], Company.NOBODY)
    ended: list[Ended[Request]] = []
    with pytest.raises(DeviceLost):
        while True:
            ended += requests.turn()
    assert {one.request for one in ended} == set(had)
    assert all(isinstance(one.outcome, GoesBack) and one.outcome.is_suspect for one in ended)


def test_an_engine_that_dies_while_nobody_asks_is_noticed(requests, core):
    assert requests.is_idle
    core.is_dead = True
    assert not requests.is_idle
    with pytest.raises(DeviceLost):
        requests.turn()


def test_a_job_that_takes_too_long_fails_and_an_engine_that_does_not_come_back_is_lost(core, loop):
    requests = made(core, loop, timeout_s=0.05)
    slow = send(requests, [])
    (ended,) = until_idle(requests)
    assert ended.request is slow
    assert isinstance(ended.outcome, EngineFailure)
    assert ended.outcome.code is Code.DEADLINE_EXCEEDED
    assert core.aborted == [[]]
    core.comes_back = False
    several = {send(requests, []), send(requests, [])}
    found: list[Ended[Request]] = []
    with pytest.raises(DeviceLost):
        while True:
            found += requests.turn()
    assert {one.request for one in found} == several
    assert all(isinstance(one.outcome, GoesBack) and one.outcome.is_suspect for one in found)


def test_where_a_format_leaves_one_token_alone_there_was_no_choice():
    gathered = Gathered(job(grammar=object()), None)
    gathered.take(Part([5, 6], [((5, 5, 9), (0.0, 0.0, -math.inf)), ((6, 6, 9), (-0.1, -0.1, -2.4))]))
    assert (gathered.tokens, gathered.logprobs[1]) == ([5, 6], -0.1)
    assert gathered.logprobs[0] == math.inf


def test_an_answer_is_told_how_it_is_drawn_and_where_it_ends():
    plain = parameters(job(), ends={7, 3}, penalty=1.05, is_streamed=False)
    assert plain == {
        "temperature": 0.0,
        "max_tokens": 9,
        "repetition_penalty": 1.05,
        "ignore_eos": True,
        "stop_token_ids": [3, 7],
        "logprobs": 0,
        "is_streamed": False,
    }
    drawn = parameters(
        job(sampling=Sampling(0.7, 0.9, -1), top_logprobs=4), ends={3}, penalty=1, is_streamed=True
    )
    assert (drawn["temperature"], drawn["top_p"], drawn["logprobs"]) == (0.7, 0.9, 4)
    # To vLLM -1 is no seed.
    assert drawn["seed"] >= 0
