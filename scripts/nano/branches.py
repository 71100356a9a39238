"""Attention over branches: questions that share an image, each of which sees the image and itself only.

All questions and answers of an image stand in one line behind it, so that everything but attention takes
them as they are. Here they are taken apart: of 450 tokens a row hardly 130 are seen by one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface

#: The name under which transformers knows it.
NAME = "nano_branches"
#: Branches of like lengths are taken together, so many groups of them in a batch.
_GROUPS = 5


@dataclass(frozen=True)
class _Group:
    """Branches of like lengths: in which row each is, and where its tokens are in the line of all rows."""

    rows: Tensor
    #: Branches × tokens; behind a branch's end it is its first token again.
    places: Tensor
    #: The same shape: where there is a token.
    is_there: Tensor


class Branches:
    """Which tokens each token sees: those before it, of its own branch and of the `shared` first ones.

    `branch` (rows × tokens behind the shared ones) has the number of each token's branch; 0 for one more that
    all share, and -1 for none. It is given to the model's layers as their mask.
    """

    def __init__(self, branch: Tensor, shared: int) -> None:
        self.shared = shared + 1
        length = shared + branch.shape[1]
        found = [
            (row, shared + torch.nonzero(own == number).flatten() + row * length)
            for row, own in enumerate(branch)
            for number in range(1, int(own.max()) + 1)
        ]
        found.sort(key=lambda one: len(one[1]))
        size = -(-len(found) // _GROUPS)
        self.groups = [self._group(found[begin : begin + size]) for begin in range(0, len(found), size)]

    @staticmethod
    def _group(found: list[tuple[int, Tensor]]) -> _Group:
        places = pad_sequence([places for _, places in found], batch_first=True, padding_value=-1)
        is_there = places >= 0
        return _Group(
            torch.tensor([row for row, _ in found]), places.where(is_there, places[:, :1]), is_there
        )


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    branches: Branches,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention (rows × heads × tokens × width); gives rows × tokens × heads × width."""
    shared = branches.shared
    first = [x[:, :, :shared] for x in (query, key, value)]
    begun = scaled_dot_product_attention(
        first[0], first[1], first[2], is_causal=True, scale=scaling, enable_gqa=True
    )
    rows, heads, length, width = query.shape
    out = begun.new_zeros(rows, length, heads, width)
    out[:, :shared] = begun.transpose(1, 2)
    # Rows × tokens in one line.
    flat = [x.transpose(1, 2).flatten(0, 1) for x in (query, key, value)]
    return out.flatten(0, 1).index_put(*_branched(flat, first, branches, scaling)).unflatten(
        0, (rows, length)
    ), None


def _branched(
    flat: list[Tensor], first: list[Tensor], branches: Branches, scaling: float | None
) -> tuple[tuple[Tensor], Tensor]:
    """Where the branches' tokens are in one line, and what each attends to (tokens × heads × width)."""
    parts = list(_by_group(flat, first, branches, scaling))
    places = torch.cat([group.places[group.is_there] for group in branches.groups])
    return (places,), torch.cat(parts)


def _by_group(
    flat: list[Tensor], first: list[Tensor], branches: Branches, scaling: float | None
) -> Iterator[Tensor]:
    for group in branches.groups:
        query, key, value = (x[group.places].transpose(1, 2) for x in flat)
        key, value = (
            torch.cat((before[group.rows], own), dim=2)
            for before, own in ((first[1], key), (first[2], value))
        )
        length = query.shape[2]
        # What is behind a branch's end comes after all that is in it, and is not kept.
        mask = torch.ones(length, key.shape[2], dtype=torch.bool).tril(branches.shared)
        out = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling, enable_gqa=True)
        yield out.transpose(1, 2)[group.is_there]


AttentionInterface.register(NAME, attend)
