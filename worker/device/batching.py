"""The batching rule alone: which waiting images go to the device together."""

from collections.abc import Sequence


def size_of_next_batch(visual_tokens: Sequence[int], budget_tokens: int, max_batch: int) -> int:
    """How many of the waiting, from the front, make the next batch; 0 when none waits.

    `visual_tokens` holds each waiting image's cost, oldest first. A batch is padded to its largest image,
    so it costs its count times its largest: that must fit into `budget_tokens`. The order is kept, so none
    starves; an image that is larger than the whole budget goes alone.

    >>> size_of_next_batch([100, 100, 900, 100], budget_tokens=1000, max_batch=8)
    2
    """
    largest = 0
    for count, tokens in enumerate(visual_tokens[:max_batch]):
        largest = max(largest, tokens)
        if count and (count + 1) * largest > budget_tokens:
            return count
    return min(len(visual_tokens), max_batch)
