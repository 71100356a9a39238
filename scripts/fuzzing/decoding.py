"""Files decoded as a worker does, in a process that may hang or die; and what is seen in them."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import psutil
from PIL import Image

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from scripts.fuzzing.damage import File
from scripts.fuzzing.meter import Taken, cpu_s, measured
from scripts.fuzzing.originals import Original
from worker.job.decode.decoder import Decoder
from worker.job.decode.room import BYTES_A_PIXEL

#: Seconds of CPU after which a process is taken to hang, and of waiting in which it took none.
_HANGS_CPU_S, _HANGS_S, _LOOK_S = 60.0, 120.0, 5.0
#: What the 7B looks at: MAX_PIXELS.
_ENOUGH_PIXELS = 1_003_520
#: Bytes of memory that decoding may take: what a worker has for that, and what the libraries themselves need.
_MOST_BYTES = BYTES_A_PIXEL * Limits().max_image_pixels + 100_000_000
#: What is kept of a picture: its size, and its colors in so many parts each way.
_PARTS = 16
#: How far a color may be from the right one, 0 to 255, before the picture is another.
_NEAR = 24
#: What no file may be without a word: another picture than it was. Its sums tell.
_SUMMED = frozenset({"PNG"})

#: Turns that change width and height.
_ON_SIDE = frozenset(
    {
        *(Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
        *(Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE),
    }
)

READ, OTHER = "read as before", "another picture, without a word"
#: Width, height, and colors.
Look = tuple[int, int, bytes]


@dataclass
class DecodedAll:
    """What became of all files that were decoded."""

    #: Kind of the original → how many files had each outcome: `READ`, `OTHER`, notes, or a refusal's code.
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    #: What must not have happened, each with the file's name and content.
    faults: list[tuple[str, str, bytes]] = field(default_factory=list)
    slowest_s: float = 0.0
    largest_bytes: int = 0


def decode(originals: Sequence[Original], files: Iterable[File]) -> DecodedAll:
    """Decode each file, in one process after the other if one is lost, and compare with what it was."""
    result = DecodedAll()
    with _Children() as children:
        looks = {one.content: children.decode(one.content)[1] for one in originals}
        known = [look for look in looks.values() if look]
        for file in files:
            outcome, look, taken = children.decode(file.content)
            if look and outcome == READ and not _is_known(look, looks[file.original.content], known):
                outcome = OTHER
            _note(result, file, outcome, taken)
    return result


def _note(result: DecodedAll, file: File, outcome: str, taken: Taken) -> None:
    kind = file.original.kind
    result.slowest_s = max(result.slowest_s, taken.cpu_s)
    result.largest_bytes = max(result.largest_bytes, taken.memory_bytes)
    faults = taken.faults("decoding", _MOST_BYTES)
    if outcome.startswith("!"):
        faults.append(outcome[1:])
        outcome = "a fault"
    elif outcome == OTHER and kind in _SUMMED:
        faults.append(f"a {kind} shows {OTHER}")
    result.outcomes.setdefault(kind, Counter())[outcome] += 1
    result.faults += [(fault, file.name, file.content) for fault in faults]


def _is_known(look: Look, own: Look | None, known: Sequence[Look]) -> bool:
    """True for a picture as it was, be it turned: how it was held stands beside it, and may be lost.

    Also for another whole one, which a graft may bring.
    """
    return any(_are_alike(look, one) for one in (*(_turned(own) if own else ()), *known))


def _turned(look: Look) -> Iterator[Look]:
    """A picture in each way in which it may lie."""
    width, height, colors = look
    image = Image.frombytes("RGB", (_PARTS, _PARTS), colors)
    yield look
    for turn in Image.Transpose:
        is_on_side = turn in _ON_SIDE
        yield *((height, width) if is_on_side else (width, height)), image.transpose(turn).tobytes()


def _are_alike(one: Look, other: Look) -> bool:
    if one[:2] != other[:2]:
        return False
    return all(abs(a - b) <= _NEAR for a, b in zip(one[2], other[2], strict=True))


class _Children:
    """A process that decodes, and another when that is lost."""

    def __enter__(self) -> "_Children":
        self._child: _Child | None = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            self._child.end()

    def decode(self, content: bytes) -> tuple[str, Look | None, Taken]:
        """The outcome, with `!` in front when it is a fault of ours; what is seen; and what it took."""
        self._child = self._child or _Child()
        with measured(self._child.process) as taken:
            outcome, look = self._child.decode(content)
        if not self._child.is_alive:
            self._child = None
        return outcome, look, taken


class _Child:
    """A process that decodes what it is sent."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.process = psutil.Process(self._process.pid)
        self.is_alive = True
        # It is ready when it has refused nothing at all.
        self.decode(b"")

    def decode(self, content: bytes) -> tuple[str, Look | None]:
        """The outcome, and what is seen."""
        self._ours.send_bytes(content)
        try:
            if self._has_answer():
                outcome, look = self._ours.recv()
                return outcome, look
            reason = "the process hangs"
        except (EOFError, ConnectionResetError):
            self._process.join()
            reason = f"the process ended with {self._process.exitcode}"
        self.end()
        return f"!{reason}", None

    def _has_answer(self) -> bool:
        """Wait for it; False when it took far too much CPU, or none for a long time."""
        began_s = last_s = self._cpu_s()
        idle_s = 0.0
        while not self._ours.poll(_LOOK_S):
            now_s = self._cpu_s()
            idle_s = idle_s + _LOOK_S if now_s == last_s else 0.0
            last_s = now_s
            if now_s - began_s > _HANGS_CPU_S or idle_s > _HANGS_S:
                return False
        return True

    def _cpu_s(self) -> float:
        """Of the process and of all that it has started."""
        try:
            return cpu_s(self.process) + sum(map(cpu_s, self.process.children(recursive=True)))
        except psutil.NoSuchProcess:
            return 0.0

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
        except (EOFError, ConnectionResetError):
            return
        pipe.send(_outcome(decoder, content))


def _outcome(decoder: Decoder, content: bytes) -> tuple[str, Look | None]:
    try:
        decoded = decoder.decode(content)
    except Eva01Error as error:
        return error.code, None
    except Exception as error:
        return f"!{type(error).__name__}: {error}", None
    if decoded.image.mode != "RGB":
        return f"!an image of mode {decoded.image.mode}", None
    colors = decoded.image.resize((_PARTS, _PARTS), Image.Resampling.BOX).tobytes()
    return ", ".join(decoded.notes) or READ, (decoded.width, decoded.height, colors)
