"""Admission, prefill, step and release, turn by turn; one thread calls it.

Every turn admits as many requests as there are free rows and room for, turns their images and questions into
embeddings, makes one step for all rows in flight, which takes the new prompts in, and releases the rows that
have ended. New prompts of one turn have `prefill_tokens` at most, so that rows in flight do not wait for
long between two of their tokens; a single one that is larger goes alone.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from llguidance import LLMatcher

from jobs.contract.errors import Eva01Error
from worker.engines.base import DeviceLost, OutOfMemory, failure_of
from worker.engines.company import Company
from worker.engines.constraint.grammars import Grammar
from worker.engines.constraint.masks import Masks
from worker.engines.deadline import Deadline
from worker.engines.devices import engine_error
from worker.engines.rolling.admission import Budget, Waiting, vision_pass
from worker.engines.rolling.cache import RowCache
from worker.engines.rolling.families.known import family_of
from worker.engines.rolling.penalty import RepetitionPenalty
from worker.engines.rolling.prefill import prefill
from worker.engines.rolling.rows import Outcome, Request, Row
from worker.engines.rolling.step import Tails, step
from worker.engines.sampling import Sampling, chosen
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.confidence import logprobs_of
from worker.engines.saying.logprobs import Choice, choices_of
from worker.engines.saying.stops import Stops
from worker.ops.cores import core_count

logger = logging.getLogger(__name__)


class RollingLoop:
    """At most `rows` rows in flight, whose cache holds at most `budget_tokens`.

    `ends` are the tokens that end an answer; `timeout_s` counts from when a request first goes to the
    device; `clock` gives seconds.
    """

    def __init__(
        self,
        model: Any,
        ends: Collection[int],
        *,
        rows: int,
        budget_tokens: int,
        prefill_tokens: int,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._family = family_of(model)
        self._most_rows = rows
        self._timeout_s = timeout_s
        self._clock = clock
        text, device = model.config.get_text_config(), model.device
        self._cache = RowCache(text, rows, device, model.dtype)
        self._tails = Tails.empty(rows, device)
        factor = model.generation_config.repetition_penalty or 1
        self._penalty = RepetitionPenalty(factor, rows, text.vocab_size, device)
        self._masks = Masks(text.vocab_size, device, core_count())
        self._ends = frozenset(ends)
        self._waiting = Waiting()
        #: Requests that were admitted in this turn, and rows whose prompts were taken in before.
        self._new: list[Request] = []
        self._rows: list[Row] = []
        #: Requests whose images are seen in this turn; some of them have no row yet.
        self._unseen: Sequence[Request] = ()
        self._begun = 0
        self._outcomes: list[Outcome] = []
        self.budget = Budget(budget_tokens)
        self.prefill_tokens = prefill_tokens

    @property
    def in_flight(self) -> int:
        """Rows on the device."""
        return len(self._rows)

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return not (self._rows or self._waiting or self._outcomes)

    def on_device(self) -> list[Request]:
        """The requests that the device works on; may be called from any thread.

        In a turn that is those that have a row, and those whose images are seen before they have one.
        """
        return list(dict.fromkeys((*self._placed(), *self._unseen)))

    def _placed(self) -> list[Request]:
        """The requests that have a row."""
        return [*(row.request for row in list(self._rows)), *self._new]

    def request(
        self,
        tensors: Mapping[str, torch.Tensor],
        max_new_tokens: int,
        *,
        grammar: Grammar | None = None,
        top_logprobs: int | None = None,
        sampling: Sampling | None = None,
        stops: Stops | None = None,
        aloud: Callable[[], Aloud] | None = None,
        company: Company = Company.INNOCENTS,
        is_interactive: bool = False,
    ) -> Request:
        """Images with their question, ready to be submitted; may be called from any thread."""
        positions, delta = self._family.positions(tensors)
        visual_tokens = int((tensors["input_ids"] == self._family.model.config.image_token_id).sum())
        return Request(
            *(tensors, max_new_tokens, positions, delta, visual_tokens),
            grammar=grammar,
            top_logprobs=top_logprobs,
            sampling=sampling,
            stops=stops,
            aloud=aloud,
            is_interactive=is_interactive,
            company=company,
        )

    def submit(self, request: Request) -> None:
        """Let a request wait for a row."""
        self._waiting.add(request)

    @torch.inference_mode()
    def cancel(self, request: Request) -> None:
        """End a request, waiting or in flight; does nothing when it has ended already."""
        if request in self._waiting:
            self._waiting.remove(request)
            self._end(request)
        for place, row in enumerate(self._rows):
            if row.request is request:
                self._release(place)
                self._end(request)
                return

    @torch.inference_mode()
    def turn(self) -> list[Outcome]:
        """Admit, prefill, step and release once; gives what has ended since the last turn.

        Raises DeviceLost. After any other error the requests on the device run again, each alone, so that
        only the culprit fails.
        """
        self._end_overdue()
        self._admit()
        self._unseen = vision_pass(self._new, self._waiting, self.prefill_tokens)
        try:
            self._prefill()
            self._step()
        except Exception as error:
            self._recover(engine_error(error))
        self._release_ended()
        self._unseen = ()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    # Admission

    def _admit(self) -> None:
        """Give rows to those that have waited longest, as far as they fit."""
        tokens = 0
        while (request := self._waiting.first()) and self._has_place_for(request):
            tokens += request.prompt_tokens
            if self._new and tokens > self.prefill_tokens:
                return
            self._waiting.remove(request)
            if request.began_s is None:
                request.began_s = self._clock()
            self._new.append(request)

    def _has_place_for(self, request: Request) -> bool:
        taken = self._placed()
        return len(taken) < self._most_rows and self.budget.admits(taken, request)

    # Prefill

    def _prefill(self) -> None:
        if self._unseen:
            with self._shared_by(self._unseen):
                prefill(self._family, self._unseen, self.prefill_tokens)

    # Step

    def _step(self) -> None:
        """Take the new prompts in, and add a token to every row."""
        if requests := self._placed():
            with self._shared_by(requests):
                self._add_a_token(requests)

    def _add_a_token(self, requests: Sequence[Request]) -> None:
        count = len(self._rows)
        reserved = max(request.reserved_tokens for request in requests)
        self._cache.reserve(len(requests), reserved, in_flight=count)
        longest = max((row.length for row in self._rows), default=0) + 1
        prompts = [request.prompt for request in self._new if request.prompt]
        logits = step(self._family, self._cache, self._tails, count, longest, prompts)
        for place, request in enumerate(self._new, start=count):
            self._tails.begin(place, request)
            self._penalty.begin(place, request.tensors["input_ids"][0])
        # What is above may fail for lack of memory; it has changed no row in flight.
        begun = [request.grammar.begin() if request.grammar else None for request in self._new]
        matchers = [*(row.matcher for row in self._rows), *begun]
        own = self._penalty.apply(logits)
        logits = self._masks.apply(own, matchers)
        places = [*(len(row.generated) for row in self._rows), *(0 for _ in begun)]
        draws = [request.draw(place) for request, place in zip(requests, places, strict=True)]
        tokens = chosen(logits, draws)
        choices = choices_of(own, tokens, [request.top_logprobs for request in requests])
        self._append(tokens, logprobs_of(logits, tokens), choices, begun)
        self._masks.advance(matchers, [row.generated[-1] for row in self._rows])

    def _append(
        self,
        tokens: torch.Tensor,
        logprobs: torch.Tensor,
        choices: Sequence[Choice | None],
        begun: Sequence[LLMatcher | None],
    ) -> None:
        """Note a token more for every row, and how likely it was; the new rows' matchers are `begun`."""
        # This waits for the device, so an error there is raised before any row is changed.
        new_tokens, new_logprobs = tokens.tolist(), logprobs.tolist()
        for request, matcher in zip(self._new, begun, strict=True):
            self._begun += 1
            self._rows.append(Row.of(request, self._begun, matcher))
            request.prompt = None
        self._new = []
        self._tails.append(tokens)
        self._penalty.append(tokens)
        for row, *new in zip(self._rows, new_tokens, new_logprobs, choices, strict=True):
            row.append(*new)

    @contextmanager
    def _shared_by(self, requests: Sequence[Request]) -> Iterator[None]:
        """Divide the seconds that something takes among those that it is done for, also where it fails."""
        began_s = self._clock()
        try:
            yield
        finally:
            share_s = (self._clock() - began_s) / len(requests)
            for request in requests:
                request.own_s += share_s

    # Release

    def _release_ended(self) -> None:
        for place in reversed(range(len(self._rows))):
            row = self._rows[place]
            if row.has_ended(self._ends):
                self._end(row.request, said=row)
                self._release(place)

    def _release(self, place: int) -> None:
        """Free a row; the last one moves there, so that rows stay together at the front."""
        last = len(self._rows) - 1
        row = self._rows.pop()
        if place != last:
            self._cache.move(last, place, row.length)
            self._tails.move(last, place)
            self._penalty.move(last, place)
            self._rows[place] = row

    def _end(self, request: Request, *, said: Row | None = None, failure: Eva01Error | None = None) -> None:
        """End a request with what its row has said, or why it says nothing; with neither it is cancelled."""
        seconds = self._clock() - request.began_s if request.began_s is not None else 0.0
        outcome = Outcome(request, failure=failure, device_s=seconds)
        if said:
            tokens, logprobs = tuple(said.generated), tuple(said.logprobs)
            outcome = replace(
                outcome, tokens=tokens, logprobs=logprobs, choices=said.choices, watch=said.watch
            )
        self._outcomes.append(outcome)

    def _end_overdue(self) -> None:
        latest_s = self._clock() - self._timeout_s
        for place in reversed(range(len(self._rows))):
            request = self._rows[place].request
            if request.began_s is not None and request.began_s <= latest_s:
                self._release(place)
                self._end(request, failure=Deadline(self._timeout_s).failure())

    # Errors

    def _recover(self, error: Exception) -> None:
        """Go on after an error: a request that was alone fails, and of several some wait again."""
        if isinstance(error, DeviceLost):
            raise error
        requests = self.on_device()
        if len(requests) == 1:
            self._clear()
            self._end(requests[0], failure=failure_of(error))
        elif isinstance(error, OutOfMemory):
            self._give_up_newest()
            logger.warning(
                "%d images did not fit into the device's memory: %s. From now on EVA01_CACHE_TOKENS is %d and"
                " EVA01_PREFILL_TOKENS %d; set them to that.",
                len(requests),
                error,
                self.budget.tokens,
                self.prefill_tokens,
            )
        else:
            logger.warning("%d images failed together, so each runs alone: %r", len(requests), error)
            self._run_alone(requests)

    def _give_up_newest(self) -> None:
        """Let the newest wait again: those admitted in this turn, else the newer half of the rows.

        What is planned from now on is halved: the tokens of one vision pass if it had several jobs, which
        may have been too many whatever is in the cache, else the tokens of the cache.
        """
        if len(self._unseen) > 1:
            self.prefill_tokens = max(1, self.prefill_tokens // 2)
        else:
            self.budget.halve(self._placed())
        self._put_back(self._new or self._newest_half())
        self._new = []

    def _newest_half(self) -> list[Request]:
        """Release the newer half of the rows; gives their requests, oldest first."""
        newest = sorted(self._rows, key=lambda row: row.number)[-(len(self._rows) // 2) :]
        for row in newest:
            self._release(self._rows.index(row))
        return [row.request for row in newest]

    def _run_alone(self, requests: Sequence[Request]) -> None:
        for request in requests:
            request.company = Company.NOBODY
        placed = self._placed()
        self._clear()
        self._put_back(placed)

    def _clear(self) -> None:
        self._rows, self._new = [], []

    def _put_back(self, requests: Sequence[Request]) -> None:
        for request in reversed(requests):
            self._waiting.put_back(request)
