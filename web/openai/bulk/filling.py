"""One batch that is made of a file: its lines become jobs, some at a time.

A line that cannot be used is a refused file, which is counted, listed and told like any other. Whoever begins
with the same file again makes no second job of a line: each is known by its name and its images.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice

from jobs import flow
from jobs.contract.access.owners import Quotas
from jobs.contract.asking.order import Order, Reading
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import (
    EngineFailure,
    Eva01Error,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Overloaded,
    QuotaExceeded,
    Unavailable,
    UnknownModel,
)
from jobs.contract.models import Batch, Job, JobError
from jobs.contract.settings import MIB
from jobs.flow.accept import Accepting
from web.intake.asking import check_room, choose_model
from web.intake.spool import Spool
from web.intake.uploads import kept_images
from web.openai.bulk.asker import quotas_now
from web.openai.bulk.fetches import StillFetching
from web.openai.bulk.lines import Line, lines_in
from web.openai.bulk.making import Made, Making, without_images
from web.services import Services

#: Lines that become jobs at a time; and bytes of them, and seconds, after which no further one is read.
LINES_AT_A_TIME, _BYTES_AT_A_TIME, _SECONDS_AT_A_TIME = 250, 16 * MIB, 2.0
#: Lines behind one that waits for images at addresses, for which images are fetched meanwhile.
_AHEAD = 8
#: Processes that may die at a line before nobody reads it any more.
_MOST_DEATHS = 2
#: Codes of what is soon over, and concerns nobody else.
_SOON_OVER = {Code.TOO_MANY_SCHEMAS, Code.IMAGE_BEING_DELETED}


def puts_off(error: Exception) -> bool:
    """True for what a step may raise that passes by itself: the next one goes on with the same line."""
    is_soon_over = isinstance(error, Eva01Error) and error.code in _SOON_OVER
    return is_soon_over or isinstance(error, Overloaded | QuotaExceeded | UnknownModel | StillFetching)


class Filling:
    """Makes jobs of the lines of an order's file; to be begun anew after an error that puts nothing off.

    `owner` is the batch's; `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        serving: Services,
        order: Order,
        owner: str | None,
        lines_at_a_time: int = LINES_AT_A_TIME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._serving, self._order, self._lines_at_a_time = serving, order, lines_at_a_time
        self._clock = clock
        self._making = Making(serving, order, owner)
        #: Where the first line begins that is no job yet, in bytes, and its number; and the same behind each
        #: line that was read in the latest step.
        self._next: tuple[int, int] = (0, 1)
        self._ends: list[tuple[int, int]] = []
        #: The line whose images are waited for: until they are there nothing is read.
        self._waits_for = 0
        #: Which line is being read, or with which the step began; None before the first step.
        self._reading: Reading | None = None
        #: True when the latest step has looked at a line, and not only for whether its images have come.
        self.has_read = False

    def step(self) -> bool:
        """Make jobs of some lines; False when there are none left.

        Raises what puts it off: Overloaded when as much waits as may, QuotaExceeded (`open_jobs`),
        UnknownModel, Unavailable (`too_many_schemas`, `image_being_deleted`), StillFetching. Raises Conflict
        when the batch takes no more, and what accepting files raises.
        """
        serving, self.has_read = self._serving, False
        self._making.fetches.check_over(self._waits_for)
        batch = serving.store.get_batch(self._order.batch_id)
        try:
            quotas = quotas_now(serving, self._order)
        except (NotSignedIn, NotAllowed) as error:
            return self._end(batch, error)
        card = self._card(batch, quotas)
        with closing(Spool(serving.spool_folder, serving.limits.min_free_bytes)) as spool:
            made, stop = self._read(batch, card, spool)
            images = [image for _, of_job in made for image in of_job]
            with kept_images(serving, images), flow.accepting(serving, batch, quotas) as accepting:
                stop = self._accept(accepting, [job for job, _ in made]) or stop
        self._making.fetches.end_before(self._next[1])
        if isinstance(stop, NotFound):
            return self._end(batch, stop)
        if stop:
            raise stop
        return bool(made)

    def _card(self, batch: Batch, quotas: Quotas) -> ModelCard:
        """The model's card; raises what may put a file off for long, and keeps nothing of it then."""
        serving = self._serving
        try:
            check_room(serving, batch.model, batch.owner)
            serving.ledger.check_quotas(batch.owner, Quotas(open_jobs=quotas.open_jobs))
            return choose_model(serving, batch.model)
        except Eva01Error:
            self.close()
            raise

    def close(self) -> None:
        """Fetch no more for its lines."""
        self._making.fetches.close()

    def _read(self, batch: Batch, card: ModelCard, spool: Spool) -> tuple[list[Made], Exception | None]:
        """The jobs of the next lines, and what stops it at the line behind them."""
        made: list[Made] = []
        self._ends = []
        stop: Exception | None = None
        try:
            for one in self._made(batch, card, spool):
                made.append(one)
        except (NotFound, Unavailable, StillFetching) as error:
            stop = error
            if isinstance(error, StillFetching):
                self.has_read = bool(made)
        # After any other error the line stays noted: that counts as a death, or it would be read for ever.
        self._note(None)
        if isinstance(stop, Unavailable) and not puts_off(stop):
            raise stop
        return made, stop

    def _made(self, batch: Batch, card: ModelCard, spool: Spool) -> Iterator[Made]:
        until, size_bytes = self._clock() + _SECONDS_AT_A_TIME, 0
        read = partial(self._serving.sent_files.piece, self._order.file)
        lines = lines_in(read, self._serving.limits.max_chat_bytes, *self._next)
        for line in islice(lines, self._lines_at_a_time):
            self.has_read = True
            try:
                made = self._made_of(batch, card, line, spool)
            except StillFetching:
                self._waits_for = line.number
                if self._making.fetches.knows(line.number):
                    self._fetch_ahead(batch, card, lines)
                raise
            yield made
            self._ends.append((line.end, line.number + 1))
            size_bytes += len(line.text or b"")
            is_late = self._clock() >= until or self._serving.stopping.is_set()
            if is_late or size_bytes >= _BYTES_AT_A_TIME:
                return

    def _fetch_ahead(self, batch: Batch, card: ModelCard, lines: Iterator[Line]) -> None:
        for line in islice(lines, _AHEAD):
            if self._deaths:
                self._note(line.number)
            is_deadly = self._deaths.get(line.number, 0) >= _MOST_DEATHS
            if is_deadly or not self._making.fetch_ahead(batch, card, line):
                return

    def _made_of(self, batch: Batch, card: ModelCard, line: Line, spool: Spool) -> Made:
        # To note a line takes half as long as to read it: until somebody dies the first of a step will do.
        if not self._ends or self._deaths:
            self._note(line.number)
        if self._deaths.get(line.number, 0) < _MOST_DEATHS:
            return self._making.made(batch, card, line, spool)
        # Not even its name is read.
        error = EngineFailure(
            f"The server broke off {_MOST_DEATHS} times at line {line.number} of the file, which is not read"
            " again. Look at its images; save them anew before you send them.",
            code=Code.POISON,
        )
        return self._making.refused(batch, f"line-{line.number}", line.number, error), ()

    @property
    def _deaths(self) -> dict[int, int]:
        return self._reading.deaths if self._reading else {}

    def _note(self, line: int | None) -> None:
        """Note at which line this process is; and with the first, at which one another has died."""
        batch_id, readings = self._order.batch_id, self._serving.readings
        before = self._reading or readings.of(batch_id).taken_over()
        self._reading = before.model_copy(update={"line": line})
        readings.note(batch_id, self._reading)

    def _accept(self, accepting: Accepting, jobs: Sequence[Job]) -> QuotaExceeded | None:
        """Accept the jobs of the next lines; gives the quota for which those that are left have to wait."""
        if not jobs:
            return None
        try:
            accepting.add(jobs)
        except QuotaExceeded as error:
            taken = len(error.made)
            if error.quota == "open_jobs":
                self._done_with(taken)
                return error
            told = JobError(code=error.code, message=error.message)
            # By its images: it takes this job where the file is read again, and a quota has renewed.
            accepting.add([without_images(job, told, ",".join(job.images)) for job in jobs[taken:]])
        self._done_with(len(jobs))
        return None

    def _done_with(self, lines: int) -> None:
        if lines:
            self._next = self._ends[lines - 1]

    def _end(self, batch: Batch, error: Eva01Error) -> bool:
        """Say in the batch why the rest of the file is not read: one refused file stands for all of it."""
        # Jobs are made in the order of the lines: who begins anew may not have come so far again.
        number = max(self._next[1], self._serving.store.get_batch(batch.id).total + 1)
        said = f"{error.message} What the file has from about line {number} on is not read. Send it again."
        rest = self._making.refused(batch, f"line-{number}", number, Eva01Error(said, code=error.code))
        with flow.accepting(self._serving, batch) as accepting:
            accepting.add([rest])
        return False
