"""Admission, prefill, step and release, turn by turn; one thread calls it.

Every turn admits as many requests as there are free rows and room for, turns their images and questions into
embeddings, makes one step for all rows in flight, which takes the new prompts in, and releases the rows that
have ended. New images and prompts of one turn have `prefill_tokens` at most, so that rows in flight do not
wait for long between two of their tokens; of a larger one each turn takes in a part.
"""

import logging
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from jobs.contract.errors import Eva01Error
from worker.engines.base import DeviceLost, OutOfMemory, failure_of
from worker.engines.company import Company
from worker.engines.constraint.grammars import Grammar
from worker.engines.constraint.masks import Masks
from worker.engines.deadline import Deadline
from worker.engines.devices import engine_error
from worker.engines.rolling.admission import Budget, Courtesy, Waiting, vision_pass
from worker.engines.rolling.captured.recording import Recorder
from worker.engines.rolling.captured.steps import Steps
from worker.engines.rolling.families.known import family_of
from worker.engines.rolling.flight import Flight
from worker.engines.rolling.pool import InPlace, Span
from worker.engines.rolling.prefill import prefill
from worker.engines.rolling.prefixes.keys import NOTHING, prefix_of
from worker.engines.rolling.rows import Outcome, Request, Row
from worker.engines.rolling.step import step
from worker.engines.sampling import Sampling, chosen
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.confidence import logprobs_of
from worker.engines.saying.logprobs import Choice, choices_of
from worker.engines.saying.stops import Stops
from worker.engines.seeing.cutting import Cutter
from worker.ops.cores import core_count

logger = logging.getLogger(__name__)


class RollingLoop:
    """At most `rows` rows in flight, whose cache holds at most `budget_tokens`.

    `ends` are the tokens that end an answer; `timeout_s` counts from when a request first goes to the
    device; `clock` gives seconds. With `shares_prefixes` what prompts begin with in common is read once. With
    a `recorder` steps without new prompts are recorded. Images that do not come cut are cut by `cutter`.
    With `in_place` rows attend to their blocks where they are (see Pool).
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
        shares_prefixes: bool = True,
        clock: Callable[[], float] = time.monotonic,
        recorder: Recorder | None = None,
        cutter: Cutter | None = None,
        in_place: InPlace | None = None,
    ) -> None:
        self._family = family_of(model, cutter)
        self._most_rows = rows
        self._timeout_s = timeout_s
        self._shares_prefixes = shares_prefixes
        self._clock = clock
        self._flight = Flight(model, rows, in_place)
        self._recorded = Steps(self._family, self._flight.pool, recorder) if recorder else None
        self._masks = Masks(model.config.get_text_config().vocab_size, model.device, core_count())
        self._ends = frozenset(ends)
        self._waiting = Waiting()
        self._courtesy = Courtesy(clock)
        #: Requests whose images are seen in this turn; some of them have no row yet.
        self._unseen: Sequence[Request] = ()
        self._outcomes: list[Outcome] = []
        self.budget = Budget(budget_tokens)
        self.prefill_tokens = prefill_tokens

    @property
    def in_flight(self) -> int:
        """Rows on the device."""
        return len(self._flight.rows)

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return not (self._flight.rows or self._waiting or self._outcomes)

    def on_device(self) -> list[Request]:
        """The requests that the device works on; may be called from any thread.

        In a turn that is those that have a row, and those whose images are seen before they have one.
        """
        placed = [row.request for row in self._flight.rows]
        return list(dict.fromkeys((*placed, *self._unseen)))

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
        owner: str | None = None,
    ) -> Request:
        """Images with their question, ready to be submitted; may be called from any thread.

        It shares what it begins with among the requests of its owner.
        """
        positions, delta = self._family.positions(tensors)
        ids = tensors["input_ids"][0]
        places = ids == self._family.model.config.image_token_id
        prefix = NOTHING
        if self._shares_prefixes:
            pieces = [piece.tensors for piece in self._family.pieces(tensors)]
            prefix = prefix_of(owner, ids, positions, places, pieces)
        return Request(
            *(tensors, max_new_tokens, positions, delta, int(places.sum()), prefix),
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
        elif request.row in self._flight.rows:
            self._end(request)

    @torch.inference_mode()
    def turn(self) -> list[Outcome]:
        """Admit, prefill, step and release once; gives what has ended since the last turn.

        Raises DeviceLost. After any other error the requests on the device run again, each alone, so that
        only the culprit fails.
        """
        self._end_overdue()
        self._put_back(self._flight.make_room(self.budget.blocks))
        self._admit()
        reading = [*self._flight.reading]
        self._unseen = vision_pass([row.request for row in reading], self._to_see(), self.prefill_tokens)
        try:
            with self._courtesy.reading(reading):
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
        """Give rows to those that have waited longest, as far as they fit.

        Who begins as a row whose prompt is being read, up to the end of an image, waits until it is read; and
        jobs of batches a while for single questions.
        """
        flight = self._flight
        tokens = sum(row.length - row.cached for row in flight.reading)
        is_asked = any(row.request.is_interactive for row in flight.rows)
        for request in self._waiting:
            is_asked = is_asked or request.is_interactive
            if flight.waits(request) or (is_asked and self._courtesy.keeps_off(request)):
                continue
            if not self._has_place_for(request):
                return
            tokens += request.length - flight.found(request).tokens
            if flight.reading and tokens > self.prefill_tokens:
                return
            self._waiting.remove(request)
            flight.begin(request)
            if request.began_s is None:
                request.began_s, request.shared_tokens = self._clock(), request.cached

    def _has_place_for(self, request: Request) -> bool:
        return self.in_flight < self._most_rows and self.budget.admits(self._flight, request)

    # Prefill

    def _to_see(self) -> Iterator[Request]:
        """Those that wait whose images no row has seen, nor will see."""
        for request in self._waiting:
            is_seen = any(sight.key in self._flight.prefixes for sight in request.prefix.sights)
            if not is_seen and not self._flight.waits(request):
                yield request

    def _prefill(self) -> None:
        if self._unseen:
            with self._shared_by(self._unseen):
                prefill(self._family, self._unseen, self.prefill_tokens)

    # Step

    def _step(self) -> None:
        """Take the new prompts in, and add a token to every row."""
        if rows := self._flight.rows:
            with self._shared_by([row.request for row in rows]):
                self._add_a_token()

    def _add_a_token(self) -> None:
        flight, writing = self._flight, len(self._flight.writing)
        read = flight.spans(sys.maxsize if self._family.reads_whole else self.prefill_tokens)
        if not (flight.writing or read):
            return
        flight.reserve(self.budget.blocks)
        parts = [
            (span, row.request.prompt.part(span.begin, span.end)) for row, span in read if row.request.prompt
        ]
        if self._recorded and not parts:
            logits = self._recorded.logits(flight.writing)
        else:
            logits = step(self._family, flight.pool, flight.writing, parts)
        # Of prompts that are not read to their ends nothing follows yet.
        done = [place for place, (row, span) in enumerate(read) if span.end == row.length]
        rows = [*flight.writing, *(read[place][0] for place in done)]
        if len(done) < len(read):
            logits = logits[[*range(writing), *(writing + place for place in done)]]
        for place, row in enumerate(rows[writing:], start=writing):
            flight.penalty.begin(place, row.request.ids)
        # What is above may fail for lack of memory; it has changed no row in flight.
        matchers = [row.matcher for row in rows]
        own = flight.penalty.apply(logits)
        logits = self._masks.apply(own, matchers)
        tokens = chosen(logits, [row.request.draw(len(row.generated)) for row in rows])
        choices = choices_of(own, tokens, [row.request.top_logprobs for row in rows])
        # What is no number, as by an image that was seen beside a broken one, is shared with nobody.
        sound = (~own[writing:, 0].isnan()).tolist() if done else []
        self._append(read, tokens, logprobs_of(logits, tokens), choices)
        for row, is_sound in zip(rows[writing:], sound, strict=True):
            if is_sound:
                flight.share(row)
        self._masks.advance(matchers, [row.generated[-1] for row in rows])

    def _append(
        self,
        read: Sequence[tuple[Row, Span]],
        tokens: torch.Tensor,
        logprobs: torch.Tensor,
        choices: Sequence[Choice | None],
    ) -> None:
        """Note what was read, a token more for every row that writes, and how likely it was."""
        # This waits for the device, so an error there is raised before any row is changed.
        new_tokens, new_logprobs = tokens.tolist(), logprobs.tolist()
        self._flight.penalty.append(tokens)
        self._flight.advance(read)
        for row, *new in zip(self._flight.writing, new_tokens, new_logprobs, choices, strict=True):
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
        for row in list(self._flight.writing):
            if row.has_ended(self._ends):
                self._end(row.request, said=row)

    def _end(self, request: Request, *, said: Row | None = None, failure: Eva01Error | None = None) -> None:
        """End a request with what its row has said, or why it says nothing; with neither it is cancelled."""
        if request.row in self._flight.rows:
            self._flight.release(request.row)
        request.row = None
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
        for request in [row.request for row in self._flight.rows]:
            if request.began_s is not None and request.began_s <= latest_s:
                self._end(request, failure=Deadline(self._timeout_s).failure())

    # Errors

    def _recover(self, error: Exception) -> None:
        """Go on after an error: a request that was alone fails, and of several some wait again."""
        if isinstance(error, DeviceLost):
            raise error
        if isinstance(error, OutOfMemory) and self._recorded:
            self._recorded.forget()
        requests = self.on_device()
        if len(requests) == 1:
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
        flight = self._flight
        if len(self._unseen) > 1:
            self.prefill_tokens = max(1, self.prefill_tokens // 2)
        else:
            self.budget.halve(flight.held_blocks)
        newest = [*flight.reading] or flight.newer_half()
        for row in newest:
            flight.release(row)
        self._put_back(newest)

    def _run_alone(self, requests: Sequence[Request]) -> None:
        for request in requests:
            request.company = Company.NOBODY
        rows = self._flight.rows
        self._flight.clear()
        self._put_back(rows)
        for row in rows:
            # Where it stood is not known for certain, so that it begins anew.
            row.request.row = None

    def _put_back(self, rows: Sequence[Row]) -> None:
        """Let rows that were freed wait again, before all others of their kinds."""
        for row in reversed(rows):
            self._waiting.put_back(row.request)
