"""What web took, decoded as a worker does, in a process that may hang or die."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from worker.job.decode.decoder import Decoder

#: Seconds of CPU that one file may cost, and of waiting after which a process is taken to hang.
MOST_CPU_S, _HANGS_S = 5.0, 60.0
#: What the 7B looks at: MAX_PIXELS.
_ENOUGH_PIXELS = 1_003_520


@dataclass
class DecodedAll:
    """What became of all files that were decoded."""

    #: How many files there were of each outcome: `read`, a note, or the code of the refusal.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: What must not have happened, each with the file.
    faults: list[tuple[str, str, bytes]] = field(default_factory=list)
    slowest_s: float = 0.0


def decode(files: Sequence[tuple[str, bytes]]) -> DecodedAll:
    """Decode each file, in one process after the other if one is lost."""
    result = DecodedAll()
    child: _Child | None = None
    for name, content in files:
        child = child or _Child()
        outcome, took_s = child.decode(content)
        result.outcomes[outcome] += 1
        result.slowest_s = max(result.slowest_s, took_s)
        if took_s > MOST_CPU_S:
            result.faults.append((f"decoding took {took_s:.1f} s", name, content))
        if outcome.startswith("!"):
            result.faults.append((outcome[1:], name, content))
        if not child.is_alive:
            child = None
    if child:
        child.end()
    return result


class _Child:
    """A process that decodes what it is sent."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.is_alive = True

    def decode(self, content: bytes) -> tuple[str, float]:
        """The outcome, with `!` in front when it is a fault of ours; and seconds of CPU."""
        self._ours.send_bytes(content)
        try:
            if self._ours.poll(_HANGS_S):
                outcome, took_s = self._ours.recv()
                return outcome, took_s
            reason = "the process hangs"
        except EOFError:
            self._process.join()
            reason = f"the process ended with {self._process.exitcode}"
        self.end()
        return f"!{reason}", 0.0

    def end(self) -> None:
        """End the process."""
        self.is_alive = False
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    # Libraries of formats print a line for each fault they meet.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    decoder = Decoder(Limits(), _ENOUGH_PIXELS)
    while True:
        try:
            content = pipe.recv_bytes()
        except EOFError:
            return
        began_s = time.process_time()
        outcome = _outcome(decoder, content)
        pipe.send((outcome, time.process_time() - began_s))


def _outcome(decoder: Decoder, content: bytes) -> str:
    try:
        decoded = decoder.decode(content)
    except Eva01Error as error:
        return error.code
    except Exception as error:
        return f"!{type(error).__name__}: {error}"
    if decoded.image.mode != "RGB":
        return f"!an image of mode {decoded.image.mode}"
    return "read" + "".join(f", {note}" for note in decoded.notes)
