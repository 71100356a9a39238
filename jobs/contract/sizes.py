"""How many bytes something has, in words for people. Imports nothing of ours."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """Bytes in the largest unit that leaves a whole number before the point: `16.6 GB`."""
    place = 0
    while float(f"{count:.3g}") >= 1000 and place < len(_UNITS) - 1:
        count, place = count / 1000, place + 1
    return f"{count:.3g} {_UNITS[place]}"
