"""What prompts begin with in common is read once, and every answer is the one given alone."""

import random
from collections.abc import Sequence
from math import isnan
from typing import Any

import pytest
import torch
from prometheus_client import REGISTRY

from jobs.contract.models import Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import Reference, fail, run, submit
from tests.stubs.preparing import prepare
from worker.engines.rolling.captured import steps
from worker.engines.rolling.captured.recording import Plain
from worker.engines.rolling.families.family import Piece, Seen
from worker.engines.rolling.families.grids import Grids
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.pool import BLOCK_TOKENS
from worker.engines.rolling.rows import Request

#: Tokens of an answer.
_MOST = 8
_ASKED = (
    "Describe this image.",
    "描述这张图片的内容和颜色",
    "How many shapes are there?",
    "背景是什么颜色？",
)
#: The numbers of jobs: four questions about an image, two about another, one about both.
_ONE, _OTHER, _BOTH = (0, 1, 2, 3), (4, 5), 6


@pytest.fixture(scope="module")
def alike(engine) -> Reference:
    rng, made = random.Random(5), []
    one, other = (random_scene(rng, shapes=2).draw(420, 300) for _ in range(2))
    asked: list[tuple[Any, str]] = [(one, question) for question in _ASKED]
    asked += [(other, _ASKED[0]), (other, _ASKED[1]), ([one, other], _ASKED[0])]
    for image, question in asked:
        made.append(dict(prepare(engine, image, question, Options(max_new_tokens=_MOST)).tensors))
    reference = Reference.of(engine._model, engine._conversation.ends, made)
    assert len(set(reference.alone)) > 3, "so that answers can be told apart"
    return reference


class Watched:
    """A loop that notes how many tokens of prompts it reads, and how many pieces of images it sees."""

    def __init__(self, alike: Reference, monkeypatch: Any, **how: Any) -> None:
        self.alike, self.loop = alike, alike.loop(**how)
        self.read = self.seen = 0
        see = Grids.see

        def noted(own: Grids, pieces: Sequence[Piece]) -> Sequence[Seen]:
            self.seen += len(pieces)
            return see(own, pieces)

        def never(*step: Any) -> bool:
            self.read += sum(span.end - span.begin for span, _ in step[3])
            return False

        monkeypatch.setattr(Grids, "see", noted)
        fail(monkeypatch, "step", ValueError(), never)

    def ask(self, *numbers: int, owner: str | None = None) -> list[Request]:
        requests = [self.loop.request(self.alike.tensors[n], _MOST, owner=owner) for n in numbers]
        submit(self.loop, *requests)
        return requests

    def answer(self, *numbers: int, owner: str | None = None) -> None:
        """Ask, and see to it that each answer is the one given alone."""
        requests = self.ask(*numbers, owner=owner)
        said = run(self.loop)
        assert [said[one].tokens for one in requests] == [self.alike.answer(n, _MOST) for n in numbers]


def steps_counted(kind: str) -> float:
    return REGISTRY.get_sample_value("eva01_steps_total", {"kind": kind}) or 0.0


@pytest.fixture
def watched(alike, monkeypatch) -> Watched:
    return Watched(alike, monkeypatch)


def length(alike: Reference, *numbers: int) -> int:
    return sum(alike.tensors[n]["input_ids"].shape[1] for n in numbers)


def image_end(alike: Reference, number: int) -> int:
    """Tokens up to the end of a job's first image."""
    request = alike.request(number)
    return request.prefix.sights[0].end


def test_an_image_is_seen_and_read_once_for_all_questions_about_it(watched, alike):
    """Those that come with the first wait for it; those that come later find it."""
    watched.answer(*_ONE)
    assert watched.seen == 1
    own = length(alike, *_ONE) - 3 * image_end(alike, 0)
    assert watched.read <= own
    watched.answer(*_ONE)
    assert watched.seen == 1
    assert watched.read <= own + length(alike, *_ONE) - 4 * image_end(alike, 0)


def test_the_first_image_of_several_is_shared_and_the_next_is_read(watched, alike):
    watched.answer(0)
    assert watched.seen == 1
    watched.answer(_BOTH)
    assert watched.seen == 2
    assert watched.read == length(alike, 0, _BOTH) - image_end(alike, 0)


def test_other_images_share_no_more_than_the_text_before_them(watched, alike):
    watched.answer(*_OTHER, *_ONE)
    assert watched.seen == 2
    watched.answer(_BOTH)
    assert watched.seen == 3


def test_owners_share_nothing(watched, alike):
    watched.answer(0, owner="ann")
    watched.answer(0, owner="ben")
    watched.answer(0)
    assert watched.seen == 3
    assert watched.read == 3 * length(alike, 0)


def test_steps_are_recorded_beside_what_is_shared(alike, monkeypatch):
    """A row's place that is filled up holds the blocks of another, and so does one that shares them."""
    monkeypatch.setattr(steps, "_OFTEN", 0)
    monkeypatch.setattr(steps, "_TRIALS", 1)
    watched = Watched(alike, monkeypatch, recorder=Plain())
    counted = [steps_counted(kind) for kind in ("recorded", "differed")]
    watched.answer(0, 1, 2)
    watched.answer(*_ONE, *_OTHER, _BOTH)
    watched.answer(2, 1, 0)
    assert watched.seen == 3
    recorded, differed = (steps_counted(kind) for kind in ("recorded", "differed"))
    assert recorded > counted[0]
    assert differed == counted[1]


def test_where_it_is_off_every_prompt_is_read(alike, monkeypatch):
    watched = Watched(alike, monkeypatch, shares_prefixes=False)
    watched.answer(*_ONE, *_ONE)
    assert watched.seen == 8
    assert watched.read == 2 * length(alike, *_ONE)


def test_who_waits_for_a_row_that_is_cancelled_reads_by_itself(alike, monkeypatch):
    watched = Watched(alike, monkeypatch, prefill_tokens=BLOCK_TOKENS)
    first, second = watched.ask(0, 1)
    while watched.read < 2 * BLOCK_TOKENS:
        watched.loop.turn()
    assert second.row is None
    watched.loop.cancel(first)
    said = run(watched.loop)
    assert said[first].is_cancelled
    assert said[second].tokens == alike.answer(1, _MOST)


def test_what_nobody_holds_makes_room_before_anyone_waits_and_before_the_pool_grows(alike, monkeypatch):
    budget = (length(alike, 0) // BLOCK_TOKENS + 3) * BLOCK_TOKENS
    watched = Watched(alike, monkeypatch, budget_tokens=budget)
    watched.answer(0)
    assert watched.loop._flight.held_blocks == 0
    size = watched.loop._flight.pool.values[-1].shape[0]
    watched.answer(4)
    watched.answer(0)
    assert watched.seen == 3, "what was there of it had to go"
    assert watched.loop._flight.pool.values[-1].shape[0] == size


def test_rows_that_share_count_what_they_share_once(alike, monkeypatch):
    budget = (length(alike, 0) // BLOCK_TOKENS + 4 * 4) * BLOCK_TOKENS
    watched = Watched(alike, monkeypatch, budget_tokens=budget)
    watched.ask(*_ONE)
    watched.loop.turn()
    watched.loop.turn()
    assert watched.loop.in_flight == 4
    run(watched.loop)


def test_a_question_reads_what_is_gone_of_its_image_where_it_was_put_back(alike, monkeypatch):
    """The blocks of an image may go by parts, and what was prepared for a shorter rest is made again."""
    watched = Watched(alike, monkeypatch, budget_tokens=160, prefill_tokens=BLOCK_TOKENS)
    watched.answer(*_ONE, *_OTHER, _BOTH, *_ONE)


def test_when_memory_is_out_while_rows_share_every_answer_is_right(alike, monkeypatch):
    loop = alike.loop(slots=4)
    full = torch.OutOfMemoryError("CUDA out of memory.")
    fail(monkeypatch, "step", full, lambda *_: len(loop.on_device()) > 2)
    requests = [loop.request(alike.tensors[n], _MOST) for n in (*_ONE, *_OTHER)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[one].tokens for one in requests] == [alike.answer(n, _MOST) for n in (*_ONE, *_OTHER)]


def test_what_is_no_number_in_a_shared_image_spoils_no_other(alike, monkeypatch):
    loop: RollingLoop = alike.loop()
    broken = dict(alike.tensors[_BOTH])
    first = int(broken["image_grid_thw"][0].prod())
    broken["pixel_values"] = broken["pixel_values"].clone()
    broken["pixel_values"][first:] = torch.nan
    submit(loop, lost := loop.request(broken, 2))
    assert all(map(isnan, run(loop)[lost].logprobs))
    requests = [loop.request(alike.tensors[n], _MOST) for n in (*_ONE, *_OTHER)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[one].tokens for one in requests] == [alike.answer(n, _MOST) for n in (*_ONE, *_OTHER)]
