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
    line = [(request, piece) for request in requests for piece in _unseen(family, request)]
    line = line[: _that_fit([piece.tokens for _, piece in line], most_tokens)]
    for (request, _), seen in zip(line, family.see([piece for _, piece in line]), strict=True):
        request.seen.append(seen)
    for request in requests:
        if not _unseen(family, request):
            request.prompt = _prompt(family, request)
            request.seen.clear()


def _unseen(family: Family, request: Request) -> Sequence[Piece]:
    return family.pieces(request.tensors)[len(request.seen) :]


def _prompt(family: Family, request: Request) -> Prompt:
    device = family.model.device
    ids = request.ids.to(device)
    words = family.model.get_input_embeddings()(ids)
    # What it has said is text, whatever its tokens.
    places = torch.arange(len(ids), device=device) < request.prompt_tokens
    places &= ids == family.model.config.image_token_id
    features, *deeper = (torch.cat(layer) for layer in zip(*request.seen, strict=True))
    _check_places(request.visual_tokens, len(features))
    embedded = words.masked_scatter(places.unsqueeze(-1), features.to(words.dtype))
    return Prompt(embedded, request.positions_of_ids.to(device), places, deeper)


def _check_places(places: int, seen: int) -> None:
    """Scattering says nothing of what is left over."""
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
