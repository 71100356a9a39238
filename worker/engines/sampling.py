"""Tokens drawn by chance, each row's from a stream of random numbers of its own.

Noise of Gumbel is added to a row's logits, times its temperature: the greatest sum is then a draw from
softmax(logits / temperature). Source: Maddison, Tarlow and Minka, A* Sampling, 2014, section 2.

The noise follows from the row's seed and the place of the token in its answer, and from nothing else. So a
row says the same whatever is beside it, and when it is begun anew.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import torch

from jobs.contract.models import Options

#: The least number that noise is made of: of 0 it would be no number.
_LEAST = 2.0**-64
#: So many of the likeliest tokens are mostly enough for `top_p`; to sort them all takes ten times as long.
_FEW = 1024


@dataclass(frozen=True)
class Sampling:
    """How a row's tokens are drawn."""

    #: Above 0; at 1 as likely as the model says.
    temperature: float
    #: Only of the likeliest tokens that together are as likely as this; 1 for all.
    top_p: float
    seed: int

    @classmethod
    def of(cls, options: Options) -> "Sampling | None":
        """What a job asks for, with a seed by chance where it names none; None for the likeliest token."""
        if not options.temperature:
            return None
        seed = secrets.randbits(63) if options.seed is None else options.seed
        return cls(options.temperature, 1.0 if options.top_p is None else options.top_p, seed)


@dataclass(frozen=True)
class Draw:
    """The draw of one token: how, and how many the answer has before it."""

    how: Sampling
    place: int


def chosen(logits: torch.Tensor, draws: Sequence[Draw | None]) -> torch.Tensor:
    """The token that each row says (rows), of logits (rows × vocabulary).

    A row without a draw says the likeliest, and costs nothing more.
    """
    tokens = logits.argmax(-1)
    asked = [(row, draw) for row, draw in enumerate(draws) if draw]
    if not asked:
        return tokens
    rows = torch.tensor([row for row, _ in asked], device=logits.device)
    own = logits[rows].float()
    temperatures = _column(own, [draw.how.temperature for _, draw in asked])
    _leave_the_likeliest(own, temperatures, [draw.how.top_p for _, draw in asked])
    noise = torch.stack([_noise(draw, own.shape[1], own.device) for _, draw in asked])
    tokens[rows] = noise.mul_(temperatures).add_(own).argmax(-1)
    return tokens


def _leave_the_likeliest(logits: torch.Tensor, temperatures: torch.Tensor, top_ps: Sequence[float]) -> None:
    """Put at minus infinity what a row's `top_p` leaves out; of equals all stay, or none."""
    asked = [row for row, top_p in enumerate(top_ps) if top_p < 1]
    if not asked:
        return
    rows = torch.tensor(asked, device=logits.device)
    # Where a format leaves one token alone, that is at infinity.
    own = logits[rows].clamp(max=torch.finfo(logits.dtype).max)
    likely = ((own - own.amax(-1, keepdim=True)) / temperatures[rows]).softmax(-1)
    least = _least_likely(likely, _column(likely, [top_ps[row] for row in asked]))
    logits[rows] = logits[rows].masked_fill(likely < least, -torch.inf)


def _least_likely(likely: torch.Tensor, top_ps: torch.Tensor) -> torch.Tensor:
    """Of the likeliest tokens that together reach a row's `top_p` (rows × 1), how likely the last is."""
    for most in (min(_FEW, likely.shape[-1]), likely.shape[-1]):
        greatest = likely.topk(most).values
        before = greatest.cumsum(-1) - greatest
        if (before[:, -1:] >= top_ps).all():
            break
    return greatest.masked_fill(before >= top_ps, torch.inf).amin(-1, keepdim=True)


def _column(like: torch.Tensor, values: Sequence[float]) -> torch.Tensor:
    """Numbers above 0, a row each; what is too small for single precision stays above it."""
    return like.new_tensor(values)[:, None].clamp(min=torch.finfo(like.dtype).tiny)


def _noise(draw: Draw, width: int, device: torch.device) -> torch.Tensor:
    """Gumbel's noise for each token of the vocabulary, in single precision; made in double.

    Single precision has no number between 1 and 1 - 2⁻²⁴, and there are the draws that win.
    """
    key = blake2b(f"{draw.how.seed} {draw.place}".encode(), digest_size=8).digest()
    generator = torch.Generator(device).manual_seed(int.from_bytes(key, "big"))
    even = torch.rand(width, dtype=torch.float64, device=device, generator=generator)
    return even.clamp_(min=_LEAST).log_().neg_().log_().neg_().float()
