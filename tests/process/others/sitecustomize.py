"""Names two operators of torchvision where it was built for another torch than is installed.

The package index has torchvision for CUDA alone. All of it that is Python works with a CPU's torch, once the
operators are named that it describes. Every process of an environment reads this first, where it is among its
packages.
"""

import sys
from typing import Any


class _OperatorsFirst:
    """Asked for each module before all other finders, and finds none."""

    held: Any = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torchvision" and self.held is None:
            import torch

            self.held = torch.library.Library("torchvision", "DEF")
            for operator in ("nms", "qnms"):
                self.held.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, _OperatorsFirst())
