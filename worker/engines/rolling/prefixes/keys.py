"""What a prompt begins with, as keys: prompts with the same key are the same up to there.

    owner ──► 16 tokens ──► 32 tokens ──► …
                     └──► up to the end of an image

A key stands for all tokens up to its place, for their positions, and for the whole of each image that has
begun there.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from worker.engines.rolling.pool import BLOCK_TOKENS

_KEY_BYTES = 16


class Sight(NamedTuple):
    """Visual tokens that stand side by side, `begin` to `end` of a prompt."""

    begin: int
    end: int
    #: Of all that is before its end.
    key: bytes
    #: How many of the job's pieces are seen before its end.
    pieces: int


@dataclass(frozen=True)
class Prefix:
    """A prompt's keys; without any it has nothing in common with others."""

    #: Of its first 16 tokens, its first 32, …
    keys: Sequence[bytes] = ()
    sights: Sequence[Sight] = ()

    def outside(self, tokens: int) -> int:
        """So many whole blocks of these tokens that no image is cut; what is seen in one may be mutual."""
        for sight in reversed(self.sights):
            if sight.begin < tokens < sight.end:
                tokens = sight.begin // BLOCK_TOKENS * BLOCK_TOKENS
        return tokens

    def pieces(self, tokens: int) -> int:
        """How many pieces of its images are seen within its first tokens."""
        return max((sight.pieces for sight in self.sights if sight.end <= tokens), default=0)


#: Of a prompt that shares nothing.
NOTHING = Prefix()


def prefix_of(
    owner: str | None,
    ids: torch.Tensor,
    positions: torch.Tensor,
    places: torch.Tensor,
    pieces: Sequence[Mapping[str, torch.Tensor]],
) -> Prefix:
    """The keys of a prompt (length), its positions (axes × length) and where it has visual tokens (length).

    `pieces` are its images. Jobs of other owners have other keys, so that nobody learns by the time that an
    answer takes what others ask.
    """
    runs, digests = _runs(places), [_digest([piece]) for piece in pieces]
    if len(runs) != len(pieces) and runs:
        # Which piece is seen where is not known, so that all are one.
        runs, digests = [(runs[0][0], runs[-1][1])], [_digest(pieces)]
    begins = [begin for begin, _ in runs]

    def key(before: bytes, begin: int, end: int) -> bytes:
        seen = digests[bisect_right(begins, begin - 1) : bisect_right(begins, end - 1)]
        parts = (ids[begin:end].numpy(), positions[:, begin:end].numpy())
        content = b"".join((before, *(part.tobytes() for part in parts), *seen))
        return hashlib.blake2b(content, digest_size=_KEY_BYTES).digest()

    keys = [hashlib.blake2b((owner or "").encode(), digest_size=_KEY_BYTES).digest()]
    for end in range(BLOCK_TOKENS, len(ids) + 1, BLOCK_TOKENS):
        keys.append(key(keys[-1], end - BLOCK_TOKENS, end))
    sights, each = [], len(pieces) // max(1, len(runs))
    for number, (begin, end) in enumerate(runs, start=1):
        block = (end - 1) // BLOCK_TOKENS
        sights.append(Sight(begin, end, key(keys[block], block * BLOCK_TOKENS, end), number * each))
    return Prefix(keys[1:], sights)


def _runs(places: torch.Tensor) -> list[tuple[int, int]]:
    """Where visual tokens stand side by side: from which token to which.

    >>> _runs(torch.tensor([0, 1, 1, 0, 1]).bool())
    [(1, 3), (4, 5)]
    """
    edges = torch.nn.functional.pad(places.int(), (1, 1)).diff().nonzero().flatten().tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _digest(pieces: Sequence[Mapping[str, torch.Tensor]]) -> bytes:
    """Of all numbers of some pieces, with their names and sizes."""
    whole = hashlib.sha256()
    for piece in pieces:
        for name, tensor in sorted(piece.items()):
            whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            whole.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return whole.digest()
