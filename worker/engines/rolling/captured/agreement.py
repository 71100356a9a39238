"""Whether two steps say the same, but for rounding."""

import torch

#: How far logits may be from others, as a part of these: a sum in another order is rounded otherwise.
_ROUNDING = {torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2}


def agree(said: torch.Tensor, right: torch.Tensor) -> bool | None:
    """Whether each row's logits are the right ones, but for rounding; None where no row has any.

    Of a row that has no numbers, since its image has none, nothing can be said.
    """
    have = right.isfinite().all(dim=1)
    if not bool(have.any()):
        return None
    said, right, most = said[have].float(), right[have].float(), _ROUNDING[right.dtype]
    return bool(((said - right).norm(dim=1) <= most * right.norm(dim=1)).all())
