"""What happens to files on their way, and what somebody might do to them on purpose."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from scripts.fuzzing.originals import Original

_Harm = Callable[[random.Random, bytearray, Sequence[bytes]], bytearray]
#: Numbers that are read as a length, a size or an offset, and that nobody expects.
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class File:
    """A file as it came out, and what it was."""

    name: str
    content: bytes
    original: Original


def damaged(originals: Sequence[Original], dice: random.Random) -> Iterator[File]:
    """Files without end with up to four faults each; one in twenty is whole."""
    contents = [one.content for one in originals]
    by_kind = [[one for one in originals if one.kind == kind] for kind in {one.kind: 0 for one in originals}]
    for number in count():
        # Some kinds have many variants, and others few.
        original = dice.choice(originals if number % 2 else dice.choice(by_kind))
        harmed = bytearray(original.content)
        if dice.random() >= 0.05:
            for _ in range(dice.randint(1, 4)):
                harmed = dice.choice(_HARMS)(dice, harmed, contents)
        yield File(f"{number:06}.{original.ending}", bytes(harmed), original)


def _flip(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Change some bits."""
    for _times in range(min(len(content), dice.randint(1, 16))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return content


def _flip_head(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Change a byte near the beginning, where sizes stand."""
    if content:
        content[dice.randrange(min(len(content), 200))] = dice.randrange(256)
    return content


def _extreme(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Write an extreme number somewhere."""
    width, order = dice.choice((1, 2, 4)), dice.choice(("big", "little"))
    if len(content) >= width:
        place = dice.randrange(len(content) - width + 1)
        value = dice.choice(_EXTREMES) % (1 << (8 * width))
        content[place : place + width] = value.to_bytes(width, "big" if order == "big" else "little")
    return content


def _cut(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Lose the end."""
    return content[: dice.randrange(len(content) + 1)]


def _lose_middle(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Lose a piece."""
    start = dice.randrange(len(content) + 1)
    return content[:start] + content[start + dice.randint(1, 64) :]


def _repeat(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Have a piece many times."""
    start = dice.randrange(len(content) + 1)
    piece = content[start : start + dice.randint(1, 200)]
    return content[:start] + piece * dice.randint(2, 50) + content[start:]


def _graft(dice: random.Random, content: bytearray, others: Sequence[bytes]) -> bytearray:
    """Go on as another file."""
    other = dice.choice(others)
    return content[: dice.randrange(len(content) + 1)] + other[dice.randrange(len(other)) :]


def _blank(dice: random.Random, content: bytearray, _: Sequence[bytes]) -> bytearray:
    """Have zeros up to the end, as what was never filled."""
    start = dice.randrange(len(content) + 1)
    return content[:start] + bytes(len(content) - start)


def _append(dice: random.Random, content: bytearray, others: Sequence[bytes]) -> bytearray:
    """Have something behind the end."""
    return content + (dice.choice(others) if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 5000)))


_HARMS: tuple[_Harm, ...] = (
    _flip,
    _flip_head,
    _extreme,
    _cut,
    _lose_middle,
    _repeat,
    _graft,
    _append,
    _blank,
)
