"""Admission, prefill, step and release, turn by turn; one thread calls it.

Every turn admits what fits, makes one step for all rows in flight, and releases those that have ended. While
less than half of the places are taken, images are prefilled one after the other; from then on one a turn, so
that rows in flight wait for one prefill between two of their tokens and not for more.
"""

import time
from collections.abc import Callable, Collection
from typing import Any

import torch

from jobs.errors import EngineFailure
from worker.engines.base import OutOfMemory
from worker.engines.deadline import Deadline
from worker.engines.rolling.admission import Budget, Waiting
from worker.engines.rolling.cache import SlotCache
from worker.engines.rolling.prefill import prefill
from worker.engines.rolling.rows import Outcome, Request, Row
from worker.engines.rolling.step import Tails, step

#: How a CPU says that its memory is full.
_CPU_MEMORY_WORDS = "can't allocate memory"


def can_roll(config: Any) -> bool:
    """True for a model whose layers all look at the whole row, and that this loop knows."""
    text = config.get_text_config()
    return config.model_type == "qwen2_5_vl" and "sliding_attention" not in text.layer_types


class RollingLoop:
    """At most `slots` rows in flight, whose cache holds at most `budget_tokens`.

    `ends` are the tokens that end an answer; `timeout_s` counts from when a request first goes to the
    device; `clock` gives seconds.
    """

    def __init__(
        self,
        model: Any,
        ends: Collection[int],
        *,
        slots: int,
        budget_tokens: int,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._slots = slots
        self._timeout_s = timeout_s
        self._clock = clock
        self._cache = SlotCache(model.config.get_text_config(), slots, model.device, model.dtype)
        self._tails = Tails.empty(slots, model.device)
        self._ends = torch.tensor(sorted(ends), dtype=torch.long, device=model.device)
        self._rows: list[Row] = []
        self._steps = 0
        self._begun = 0
        self._waiting = Waiting()
        self.budget = Budget(budget_tokens)
        self._outcomes: list[Outcome] = []

    @property
    def in_flight(self) -> int:
        """Rows on the device."""
        return len(self._rows)

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return not (self._rows or self._waiting or self._outcomes)

    def submit(self, request: Request) -> None:
        """Let a request wait for a place."""
        self._waiting.add(request)

    @torch.inference_mode()
    def cancel(self, request: Request) -> None:
        """End a request, waiting or in flight; does nothing when it has ended already."""
        if request in self._waiting:
            self._waiting.remove(request)
            self._outcomes.append(Outcome(request, is_cancelled=True))
        for place, row in enumerate(self._rows):
            if row.request is request:
                self._release(place)
                self._outcomes.append(Outcome(request, is_cancelled=True))
                return

    @torch.inference_mode()
    def turn(self) -> list[Outcome]:
        """Admit, step and release once; gives what has ended since the last turn.

        Whatever else than a lack of memory goes wrong is raised, and the loop cannot be used any more.
        """
        self._end_overdue()
        self._admit()
        if self._rows:
            self._step()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    # Admission

    def _admit(self) -> None:
        while (request := self._waiting.first()) and self._has_place_for(request):
            is_filling = 2 * (len(self._rows) + 1) < self._slots
            self._waiting.remove(request)
            if not self._begin(request) or not is_filling:
                return

    def _has_place_for(self, request: Request) -> bool:
        in_flight = [row.request for row in self._rows]
        return len(in_flight) < self._slots and self.budget.admits(in_flight, request)

    def _begin(self, request: Request) -> bool:
        """Prefill one request; False when the memory did not suffice."""
        place = len(self._rows)
        if request.began_s is None:
            request.began_s = self._clock()
        widest = max((row.request.reserved_tokens for row in self._rows), default=0)
        try:
            self._cache.reserve(place + 1, max(widest, request.reserved_tokens))
            token, delta = prefill(self._model, self._cache, place, request)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            self._postpone(request, error)
            return False
        self._tails.put(place, token, request, delta)
        self._begun += 1
        self._rows.append(Row(request, request.prompt_tokens - self._steps, self._begun))
        if request.max_new_tokens == 1 or bool(torch.isin(token, self._ends)):
            self._answer(place)
        return True

    # Step

    def _step(self) -> None:
        count = len(self._rows)
        longest = max(row.offset for row in self._rows) + self._steps + 1
        try:
            tokens = step(self._model, self._cache, self._tails, count, longest)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            self._give_up_newest(error)
            return
        self._steps += 1
        self._tails.append(torch.arange(count, device=tokens.device), tokens)
        for place in self._tails.ended(count, self._ends):
            self._answer(place)

    # Release

    def _answer(self, place: int) -> None:
        self._outcomes.append(Outcome(self._rows[place].request, tuple(self._tails.text(place))))
        self._release(place)

    def _release(self, place: int) -> None:
        """Free a place; the last row moves there, so that the rows stay together."""
        last = len(self._rows) - 1
        row = self._rows.pop()
        if place != last:
            self._cache.move(last, place, row.offset + self._steps)
            self._tails.move(last, place)
            self._rows[place] = row

    def _end_overdue(self) -> None:
        latest_s = self._clock() - self._timeout_s
        for place in reversed(range(len(self._rows))):
            request = self._rows[place].request
            if request.began_s is not None and request.began_s <= latest_s:
                self._release(place)
                self._outcomes.append(Outcome(request, failure=Deadline(self._timeout_s).failure()))

    # Memory

    def _postpone(self, request: Request, error: Exception) -> None:
        """Let a request that burst the memory wait until there is room; alone, it fails."""
        if not self._rows:
            self._outcomes.append(Outcome(request, failure=_too_large(error)))
            return
        self.budget.halve([*(row.request for row in self._rows), request])
        self._waiting.put_back(request)

    def _give_up_newest(self, error: Exception) -> None:
        """Let the newer half of the rows wait again, and plan with half from now on; one alone fails."""
        if len(self._rows) == 1:
            self._outcomes.append(Outcome(self._rows[0].request, failure=_too_large(error)))
            self._release(0)
            return
        self.budget.halve([row.request for row in self._rows])
        newest = sorted(self._rows, key=lambda row: row.number)[-(len(self._rows) // 2) :]
        for row in reversed(newest):
            self._waiting.put_back(row.request)
            self._release(self._rows.index(row))


def _is_out_of_memory(error: Exception) -> bool:
    kinds = (torch.OutOfMemoryError, OutOfMemory)
    return isinstance(error, kinds) or (isinstance(error, RuntimeError) and _CPU_MEMORY_WORDS in str(error))


def _too_large(error: Exception) -> EngineFailure:
    reason = str(error).strip().split("\n", 1)[0]
    message = f"The image does not fit into the device's memory even alone: {reason}. Lower MAX_PIXELS."
    return EngineFailure(message, code="out_of_memory")
