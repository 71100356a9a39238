"""What happens to files on their way, and what somebody might do to them on purpose."""

import random
from collections.abc import Callable, Iterator, Sequence

_Harm = Callable[[random.Random, bytearray, Sequence[bytes]], bytearray]
#: Numbers that are read as a length, a size or an offset, and that nobody expects.
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(originals: Sequence[tuple[str, bytes]], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` files with up to four faults each, the same for the same seed; one in twenty is whole."""
    dice = random.Random(seed)
    contents = [content for _, content in originals]
    for _ in range(count):
        ending, content = dice.choice(originals)
        harmed = bytearray(content)
        if dice.random() >= 0.05:
            for _ in range(dice.randint(1, 4)):
                harmed = dice.choice(_HARMS)(dice, harmed, contents)
        yield ending, bytes(harmed)


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


def _append(dice: random.Random, content: bytearray, others: Sequence[bytes]) -> bytearray:
    """Have something behind the end."""
    return content + (dice.choice(others) if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 5000)))


_HARMS: tuple[_Harm, ...] = (_flip, _flip_head, _extreme, _cut, _lose_middle, _repeat, _graft, _append)
