"""What is written on the pages: sentences put together from common words, names, dates and sums."""

from pathlib import Path
from random import Random

_HERE = Path(__file__).parent
_ENGLISH = (_HERE / "words.en.txt").read_text(encoding="utf-8").split()
_CHINESE = (_HERE / "words.zh.txt").read_text(encoding="utf-8").split()
_NAMES = (
    "Amsterdam",
    "Berlin",
    "Clara",
    "Dublin",
    "Elena",
    "Florence",
    "Geneva",
    "Helsinki",
    "Iris",
    "Jasper",
)


def sentence(rng: Random, is_chinese: bool) -> str:
    """One sentence with its full stop."""
    return _chinese(rng) if is_chinese else _english(rng)


def phrase(rng: Random, is_chinese: bool, words: int) -> str:
    """A few words, as in a heading or the first cell of a row."""
    if is_chinese:
        return "".join(rng.choice(_CHINESE) for _ in range(words))
    return " ".join(rng.choice(_ENGLISH) for _ in range(words)).capitalize()


def number(rng: Random) -> str:
    """A sum, a count, a date or a share."""
    return rng.choice(
        (
            f"{rng.randrange(1, 10_000)}.{rng.randrange(100):02}",
            f"{rng.randrange(2, 1000)}",
            f"{rng.randrange(1, 999)},{rng.randrange(1000):03}",
            f"{rng.randrange(1990, 2030)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            f"{rng.randrange(1, 100)}%",
        )
    )


def _english(rng: Random) -> str:
    said = [rng.choice(_NAMES if rng.random() < 0.06 else _ENGLISH) for _ in range(rng.randrange(6, 18))]
    if rng.random() < 0.3:
        said.insert(rng.randrange(1, len(said)), number(rng))
    if len(said) > 9:
        said[rng.randrange(3, 7)] += ","
    said[0] = said[0][0].upper() + said[0][1:]
    return " ".join(said) + "."


def _chinese(rng: Random) -> str:
    said = [rng.choice(_CHINESE) for _ in range(rng.randrange(5, 14))]
    if len(said) > 8:
        said[rng.randrange(2, 6)] += "，"
    if rng.random() < 0.3:
        said.insert(rng.randrange(1, len(said)), str(rng.randrange(2, 5000)))
    return "".join(said) + "。"
