"""Muon, for the matrices inside the blocks.

Torch's own works in bf16, which this kind of CPU only emulates; here it is fp32, and matrices of one shape
are orthogonalized together.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor


def orthogonalized(stack: Tensor) -> Tensor:
    """The nearest (about) orthogonal matrices to a stack (n, rows, columns), rows <= columns."""
    x: Tensor = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):  # Newton-Schulz with the usual quintic
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalized; the rate is scaled so that AdamW's weight decay and rates carry over."""

    def __init__(
        self, params: Iterable[Tensor], lr: float, *, weight_decay: float = 0.02, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # torch's takes a closure; nobody here has one
        """One update of all parameters that have a gradient."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for param in group["params"]:
                if param.grad is not None:
                    update = self._momentum(param, param.grad, group["momentum"])
                    by_shape[min(param.shape), max(param.shape)].append((param, update))
            for pairs in by_shape.values():
                self._apply(pairs, group["lr"], group["weight_decay"])

    def _momentum(self, param: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        state = self.state[param]
        if not state:
            state["buffer"] = torch.zeros_like(param)
        state["buffer"].lerp_(gradient, 1 - momentum)
        update = gradient.lerp(state["buffer"], momentum)
        return update.T if param.shape[0] > param.shape[1] else update

    @staticmethod
    def _apply(pairs: list[tuple[Tensor, Tensor]], lr: float, weight_decay: float) -> None:
        for (param, _), update in zip(pairs, orthogonalized(torch.stack([u for _, u in pairs])), strict=True):
            param.mul_(1 - lr * weight_decay)
            update = update.T if param.shape[0] > param.shape[1] else update
            param.add_(update, alpha=-lr * 0.2 * max(param.shape) ** 0.5)
