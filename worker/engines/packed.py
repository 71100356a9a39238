"""Linear layers on a CPU, their weights laid out once as oneDNN reads them best.

torch multiplies with MKL, whose kernels for few rows are slow on some processors: on two AMD cores the packed
layers take 0.3 to 0.45 of the time, for 8 to 128 rows (docs/benchmarks.md).
"""

import torch
from torch import nn


class PackedLinear(nn.Module):
    """Stands for an `nn.Linear` in float32 that is not trained any more; its own weights are not kept."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        # What torch.compile makes of a frozen linear layer as well.
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach())
        self._bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs times weights, plus bias."""
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self._weight, self._bias, "none", [], ""
        )
        return out


@torch.inference_mode()
def pack_linears(model: nn.Module) -> None:
    """Replace every linear layer of a model in float32 on the CPU; does nothing elsewhere."""
    if not torch.backends.mkldnn.is_available():
        return
    for parent in model.modules():
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear) and _can_be_packed(layer):
                setattr(parent, name, PackedLinear(layer))


def _can_be_packed(layer: nn.Linear) -> bool:
    # A layer of a class of its own may do more than multiply.
    is_plain = type(layer) is nn.Linear
    return is_plain and layer.weight.dtype is torch.float32 and layer.weight.device.type == "cpu"
