"""Turns images and questions into embeddings, which the next step takes in."""

from collections.abc import Iterator, Sequence
from itertools import chain

import torch

from worker.engines.rolling.families.family import Family, Piece, Seen
from worker.engines.rolling.rows import Prompt, Request


def prefill(family: Family, requests: Sequence[Request], most_tokens: int) -> None:
    """See all images of all requests, and put what is seen of each into its place in its prompt.

    Several images at once cost less than one after the other, so some requests may have no row yet. The
    vision encoder sees at most `most_tokens` visual tokens at once, or one piece that has more.
    """
    pieces = [family.pieces(request.tensors) for request in requests]
    # Of all requests, one after the other.
    seen = _seen(family, [*chain(*pieces)], most_tokens)
    for request, own in zip(requests, pieces, strict=True):
        request.prompt = _prompt(family, request, [next(seen) for _ in own])


def _prompt(family: Family, request: Request, seen: Sequence[Seen]) -> Prompt:
    device = family.model.device
    ids = request.ids.to(device)
    words = family.model.get_input_embeddings()(ids)
    # What it has said is text, whatever its tokens.
    places = torch.arange(len(ids), device=device) < request.prompt_tokens
    places &= ids == family.model.config.image_token_id
    features, *deeper = (torch.cat(layer) for layer in zip(*seen, strict=True))
    embedded = words.masked_scatter(places.unsqueeze(-1), features.to(words.dtype))
    return Prompt(embedded, request.positions_of_ids.to(device), places, deeper)


def _seen(family: Family, pieces: Sequence[Piece], most_tokens: int) -> Iterator[Seen]:
    """What the vision encoder makes of each piece, a pass when its first one is asked for."""
    for group in _passes([piece.tokens for piece in pieces], most_tokens):
        yield from family.see(pieces[group])


def _passes(sizes: Sequence[int], most: int) -> list[slice]:
    """Neighbours that together have at most `most`, or one alone that has more.

    >>> _passes([3, 4, 9, 1], most=7)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    passes, begin, taken = [], 0, 0
    for place, size in enumerate(sizes):
        if place > begin and taken + size > most:
            passes.append(slice(begin, place))
            begin, taken = place, 0
        taken += size
    return [*passes, slice(begin, len(sizes))]
