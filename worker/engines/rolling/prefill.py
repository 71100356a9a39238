"""Turns images and questions into embeddings, which the next step takes in."""

from collections.abc import Sequence
from itertools import accumulate

import torch

from jobs.contract.errors import EngineFailure
from worker.engines.rolling.families.family import Family, Piece
from worker.engines.rolling.rows import Prompt, Request


def prefill(family: Family, requests: Sequence[Request], most_tokens: int) -> None:
    """See the next images of the requests in one pass, and make the prompts of those that are seen whole.

    Several images at once cost less than one after the other, so some requests may have no row yet. The
    vision encoder sees at most `most_tokens` visual tokens at once, or one piece that has more. Raises
    EngineFailure where a prompt has not just as many places as its images have tokens.
    """
    line = [(request, *one) for request in requests for one in _unseen(family, request)]
    line = line[: _that_fit([piece.tokens for *_, piece in line], most_tokens)]
    if line:
        made = family.see([piece for *_, piece in line])
        for (request, number, _), seen in zip(line, made, strict=True):
            request.seen[number] = seen
    for request in requests:
        if not _unseen(family, request):
            request.prompt = _prompt(family, request)
            request.seen.clear()


def _unseen(family: Family, request: Request) -> Sequence[tuple[int, Piece]]:
    """The pieces of its images that have still to be seen, with their numbers."""
    first = request.prefix.pieces(request.cached)
    pieces = enumerate(family.pieces(request.tensors))
    return [(number, piece) for number, piece in pieces if number >= first and number not in request.seen]


def _prompt(family: Family, request: Request) -> Prompt:
    """What is not in the cache of a prompt, with what is seen of its images there."""
    device, begin = family.model.device, request.cached
    ids = request.ids[begin:].to(device)
    embedded = family.model.get_input_embeddings()(ids)
    # What it has said is text, whatever its tokens.
    places = torch.arange(begin, request.length, device=device) < request.prompt_tokens
    places &= ids == family.model.config.image_token_id
    first = request.prefix.pieces(begin)
    seen = [request.seen[number] for number in sorted(request.seen) if number >= first]
    deeper: list[torch.Tensor] = []
    if seen:
        features, *deeper = (torch.cat(layer) for layer in zip(*seen, strict=True))
        _check_places(family, request, len(features))
        embedded = embedded.masked_scatter(places.unsqueeze(-1), features.to(embedded.dtype))
    return Prompt(begin, embedded, request.positions_of_ids[:, begin:].to(device), places, deeper)


def _check_places(family: Family, request: Request, seen: int) -> None:
    """Scattering says nothing of what is left over."""
    ids = request.ids[request.cached : request.prompt_tokens]
    places = int((ids == family.model.config.image_token_id).sum())
    if places != seen:
        raise EngineFailure(
            f"The model sees {seen:,} tokens in the images, and its processor made {places:,} places for"
            " them: the settings of its processor are not this model's. Get the folder anew, with"
            " processor_config.json and preprocessor_config.json of the model's makers."
        )


def _that_fit(sizes: Sequence[int], most: int) -> int:
    """How many of the first have at most `most` together; one at least.

    >>> _that_fit([3, 4, 9, 1], most=7), _that_fit([9, 1], most=7)
    (2, 1)
    """
    return max(1, sum(taken <= most for taken in accumulate(sizes)))
