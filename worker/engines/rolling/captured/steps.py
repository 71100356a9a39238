"""Which step is recorded, when it is trusted, and when it is recorded no more."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from worker.engines.rolling.captured.agreement import agree
from worker.engines.rolling.captured.inputs import Inputs
from worker.engines.rolling.captured.recording import NotRecorded, Recorder
from worker.engines.rolling.families.family import Family
from worker.engines.rolling.past.grouping import most_blocks
from worker.engines.rolling.pool import Pool
from worker.engines.rolling.rows import Row
from worker.engines.rolling.step import decode, step
from worker.ops.metrics import count_step

logger = logging.getLogger(__name__)

#: Steps of a size before one is recorded: the pool grows most while the first ones are made.
_OFTEN = 4
#: How often a recorded step is made beside a plain one, each time of other tokens, before it is trusted.
_TRIALS = 3
#: Blocks of a row in the shortest step that is recorded.
_LEAST_BLOCKS = 8


class Key(NamedTuple):
    """All that decides what a recorded step does, besides the numbers that it is given.

    The pool's place in memory does too: when that changes, all that was recorded is forgotten.
    """

    rows: int
    blocks: int
    weights: torch.dtype
    cache: torch.dtype
    attention: str
    device: torch.device

    @classmethod
    def of(cls, model: Any, pool: Pool, rows: Sequence[Row]) -> "Key":
        """The least size in which these rows have room: powers of two."""
        blocks = max(_LEAST_BLOCKS, *(len(row.blocks) for row in rows))
        attention = model.get_decoder().config._attn_implementation
        formats = (model.dtype, pool.keys[0].dtype)
        return cls(_power(len(rows)), _power(blocks), *formats, attention, pool.device)


def _power(count: int) -> int:
    """The least power of two that is as large.

    >>> [_power(count) for count in (1, 2, 3, 8, 9)]
    [1, 2, 4, 8, 16]
    """
    return 1 << (count - 1).bit_length()


class Recorded:
    """A step that was recorded, with the place of what it is given, and how often it was right."""

    def __init__(self, recorder: Recorder, family: Family, pool: Pool, key: Key, rows: Sequence[Row]) -> None:
        self._inputs = inputs = Inputs(pool, key.rows, key.blocks)
        inputs.fill(rows)
        self._again = recorder.record(
            lambda: decode(family, inputs.as_pass(), inputs.tokens, inputs.positions)
        )
        self._trials = 0

    @property
    def is_trusted(self) -> bool:
        """True when it was right as often as it has to be."""
        return self._trials >= _TRIALS

    def logits(self, rows: Sequence[Row]) -> torch.Tensor:
        """Those of the rows, which the next call of this leaves as they are."""
        self._inputs.fill(rows)
        return self._again()[: len(rows)].clone()

    def note_right(self) -> None:
        """It was once more."""
        self._trials += 1


class Steps:
    """Steps of a loop's rows that write: recorded ones where these are known to be right, else plain ones."""

    def __init__(self, family: Family, pool: Pool, recorder: Recorder) -> None:
        self._family, self._pool, self._recorder = family, pool, recorder
        self._recorded: dict[Key, Recorded] = {}
        self._wanted: Counter[Key] = Counter()
        #: Those that were wrong.
        self._refused: set[Key] = set()
        self._moves = pool.moves
        self._records = True

    def logits(self, rows: Sequence[Row]) -> torch.Tensor:
        """As of `step` without prompts."""
        if self._pool.moves != self._moves:
            self.forget()
        key = Key.of(self._family.model, self._pool, rows)
        recorded = self._recorded.get(key) or self._record(key, rows)
        if recorded is None:
            count_step("plain")
            return step(self._family, self._pool, rows, ())
        said = recorded.logits(rows)
        if recorded.is_trusted:
            count_step("recorded")
            return said
        return self._tried(key, recorded, said, rows)

    def forget(self) -> None:
        """Forget all that was recorded, and free its memory."""
        self._recorded.clear()
        self._wanted.clear()
        self._moves = self._pool.moves

    def _record(self, key: Key, rows: Sequence[Row]) -> Recorded | None:
        if not self._may_record(key):
            return None
        self._wanted[key] += 1
        if self._wanted[key] <= _OFTEN:
            return None
        try:
            self._recorded[key] = Recorded(self._recorder, self._family, self._pool, key, rows)
        except NotRecorded as error:
            self._records = False
            count_step("failed")
            logger.warning(
                "A step of %d rows could not be recorded: %s. No more are recorded until the worker is"
                " started anew; answers are as they were. EVA01_CUDA_GRAPHS=off says so from the start.",
                key.rows,
                error,
            )
        return self._recorded.get(key)

    def _may_record(self, key: Key) -> bool:
        fits = key.rows * key.blocks <= most_blocks(self._pool)
        return self._records and fits and key not in self._refused

    def _tried(self, key: Key, recorded: Recorded, said: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        """What a plain step says; the recorded one is known better then.

        The plain one comes after it, so that what is kept of these tokens is right in any case.
        """
        right = step(self._family, self._pool, rows, ())
        is_right = agree(said, right)
        count_step("differed" if is_right is False else "tried")
        if is_right:
            recorded.note_right()
        elif is_right is False:
            del self._recorded[key]
            self._refused.add(key)
            logger.warning(
                "A recorded step of %d rows of up to %d blocks was not as a plain one, so steps of that size"
                " are plain from now on; answers are as they were. Please report this with the worker's log.",
                *(key.rows, key.blocks),
            )
        return right
