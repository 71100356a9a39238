"""Faster layers with the same results, put in place of a model's own once it is loaded.

A convolution over patches that do not overlap is a linear layer of each patch; torch has no fast way to see
that. Linear layers on a CPU have their weights laid out once as oneDNN reads them best; torch multiplies with
MKL, whose kernels for few rows are slow on some processors. docs/benchmarks.md says what both gain.
"""

import torch
from torch import nn


class PackedLinear(nn.Module):
    """Replaces a float32 `nn.Linear` that is not trained any more; keeps the weights in packed form only.

    A model may read `weight`, for its number format or to multiply by itself. When that is first done it is
    laid out plainly again, and stays so.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        #: Plain, as `nn.Linear` has it.
        self.bias = None if layer.bias is None else layer.bias.detach()
        # torch.compile replaces a frozen linear layer by the same two operations.
        self._packed: torch.Tensor | None = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach())
        self._plain: torch.Tensor | None = None

    @property
    def weight(self) -> torch.Tensor:
        """As `nn.Linear` has it: features that come out × features that go in."""
        if self._plain is None:
            assert self._packed is not None
            self._plain, self._packed = self._packed.to_dense(), None
        return self._plain

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs times weights, plus bias."""
        if self._packed is None:
            return nn.functional.linear(inputs, self.weight, self.bias)
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            # Of what is a part of something wider, oneDNN has no such operation.
            inputs.contiguous(),
            self._packed,
            self.bias,
            "none",
            [],
            "",
        )
        return out


class PatchLinear(nn.Module):
    """Replaces an `nn.Conv3d` whose input is cut into patches of its kernel's size already."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        # The model reads the number format of its input from here.
        self.weight = convolution.weight
        flat = convolution.weight.detach().flatten(1)
        features, values = flat.shape
        self.linear = nn.Linear(values, features, bias=convolution.bias is not None, device="meta")
        self.linear.weight = nn.Parameter(flat)
        if convolution.bias is not None:
            self.linear.bias = nn.Parameter(convolution.bias.detach())

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Patches × channels × kernel to patches × features × 1 × 1 × 1."""
        out: torch.Tensor = self.linear(patches.flatten(1))
        return out[:, :, None, None, None]


@torch.inference_mode()
def replace_layers(model: nn.Module) -> None:
    """Replace all layers of a model for which there is a faster one."""
    for parent in model.modules():
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Conv3d and _is_of_patches(layer):
                setattr(parent, name, PatchLinear(layer))
    if torch.backends.mkldnn.is_available():
        _pack_linears(model)


def _is_of_patches(layer: nn.Conv3d) -> bool:
    """True when its patches touch and do not overlap: no padding, dilation or groups."""
    is_plain = layer.groups == 1 and layer.dilation == (1, 1, 1) and layer.padding == (0, 0, 0)
    return is_plain and layer.kernel_size == layer.stride


def _pack_linears(model: nn.Module) -> None:
    for parent in model.modules():
        for name, layer in list(parent.named_children()):
            # A subclass may do more than multiply.
            if type(layer) is nn.Linear and _can_be_packed(layer.weight):
                setattr(parent, name, PackedLinear(layer))


def _can_be_packed(weight: torch.Tensor) -> bool:
    return weight.dtype is torch.float32 and weight.device.type == "cpu"
