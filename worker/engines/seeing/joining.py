"""Puts the inputs of several jobs together, each of which a model's own processor made alone."""

from collections.abc import Mapping, Sequence

import torch

#: Tensors with a value for each token: padded on the left, because a decoder goes on at the right.
_OF_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids", "cross_attention_mask")


#: Of images that a job has not: one tile is there, else nothing could be looked at.
_FIRST_IS_THERE = "aspect_ratio_mask"


def joined(jobs: Sequence[Mapping[str, torch.Tensor]], pad_token: int) -> dict[str, torch.Tensor]:
    """The jobs' tensors one after the other, as large as the largest of their name; one job's are its own.

    What is added is zero, or the token that pads. A job may lack what others have, such as tiles.
    """
    if len(jobs) == 1:
        return dict(jobs[0])
    names = dict.fromkeys(name for job in jobs for name in job)
    return {name: _joined(name, [job[name] for job in jobs if name in job], pad_token) for name in names}


def _joined(name: str, parts: Sequence[torch.Tensor], pad_token: int) -> torch.Tensor:
    largest = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    fill = pad_token if name == "input_ids" else 0
    whole = torch.cat([_padded(part, largest, fill, on_left=name in _OF_TOKENS) for part in parts])
    if name == _FIRST_IS_THERE:
        whole[..., 0] = 1
    return whole


def _padded(part: torch.Tensor, largest: Sequence[int], fill: int, *, on_left: bool) -> torch.Tensor:
    """As large as that in all dimensions but the first; of tokens, the second is padded before them."""
    missing = [most - size for most, size in zip(largest, part.shape[1:], strict=True)]
    if not any(missing):
        return part
    # From the last dimension on, before and after it.
    around = [amount for size in reversed(missing) for amount in (0, size)]
    if on_left:
        around[-2:] = reversed(around[-2:])
    return torch.nn.functional.pad(part, around, value=fill)
