"""The answers that this process hears while workers say them, and that jobs have ended.

    worker ──one message a step──► this process's channel ──► a thread ──► an ear for each answer ──► its bell

All answers come over one connection, and by one thread, which is there while anybody listens.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import redis

from jobs.contract.models import new_id
from jobs.contract.saying.pieces import Piece
from web.http.bell import Bell

logger = logging.getLogger(__name__)

#: Seconds without a piece after which the thread looks whether anybody listens still.
_QUIET_S = 0.25
#: Seconds after which it listens again when Redis was away.
_AGAIN_S = 0.5
#: Seconds that a new ear waits until it hears: what is said earlier comes with the end of the answer.
_PATIENCE_S = 1.0


class Ear:
    """Hears one answer: what was said of it and not taken yet; or, without pieces, only that it has ended."""

    def __init__(self, listener: str, *, hears_pieces: bool) -> None:
        self.hears_pieces = hears_pieces
        #: The id that the job is to have, and whom it is to name as its listener.
        self.job_id, self.listener = new_id(), listener
        self.bell = Bell()
        #: True once it is said that the job has ended, and where that may have been missed.
        self.may_have_ended = False
        self._pieces: list[Piece] = []

    def hear(self, piece: Piece) -> None:
        """Note a piece; called in the thread that hears."""
        if piece.text is None:
            self.note_end()
        else:
            self._pieces.append(piece)
            self.bell.ring()

    def note_end(self) -> None:
        """Have its job's record looked at; called in the thread that hears."""
        self.may_have_ended = True
        self.bell.ring()

    def take(self) -> Sequence[Piece]:
        """All that was heard since this was last called."""
        self.bell.silence()
        pieces, self._pieces = self._pieces, []
        return pieces


class Ears:
    """Opens and closes ears; `listen` gives what is said to a listener as it comes (jobs/storage/wire.py)."""

    def __init__(self, listen: Callable[[str, float], Iterator[list[Piece] | None]]) -> None:
        self._listen = listen
        self._open: dict[str, Ear] = {}
        self._changed = threading.Lock()
        self._hears = threading.Event()
        self._name = ""
        self._thread: threading.Thread | None = None

    def open(self, *, hears_pieces: bool = True) -> Ear:
        """An ear for an answer whose job is still to be made."""
        with self._changed:
            # A name for each thread: what is said to one that has ended is heard by nobody.
            is_first = not self._name
            self._name = name = self._name or new_id()
            ear = Ear(name, hears_pieces=hears_pieces)
            self._open[ear.job_id] = ear
        if is_first:
            self._thread = threading.Thread(target=self._run, args=(name,), name="ears", daemon=True)
            self._thread.start()
        self._hears.wait(_PATIENCE_S)
        return ear

    def close(self, ear: Ear) -> None:
        """Hear no more of an answer."""
        with self._changed:
            self._open.pop(ear.job_id, None)

    def end(self) -> None:
        """Close all, and wait until nothing is listened to any more."""
        with self._changed:
            self._open.clear()
        if self._thread:
            self._thread.join()

    def _run(self, name: str) -> None:
        is_known_away = may_miss = False
        while not self._is_done():
            try:
                for pieces in self._listen(name, _QUIET_S):
                    self._hears.set()
                    is_known_away = False
                    if pieces is None and may_miss:
                        self._note_ends()
                    may_miss = True
                    self._hand_out(pieces or ())
                    if not pieces and self._is_done():
                        return
            except redis.RedisError as error:
                self._hears.clear()
                if not is_known_away:
                    logger.warning("Answers are not heard while they are said, and come later: %s", error)
                is_known_away = may_miss = True
                time.sleep(_AGAIN_S)

    def _note_ends(self) -> None:
        """Any job may have ended unheard."""
        for ear in [*self._open.values()]:
            ear.note_end()

    def _hand_out(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if ear := self._open.get(piece.job_id):
                ear.hear(piece)

    def _is_done(self) -> bool:
        """True, and the next ear begins another thread, when nobody listens any more."""
        with self._changed:
            if self._open:
                return False
            self._name = ""
            self._hears.clear()
            return True
