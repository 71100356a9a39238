"""Faster layers with the same results, put in place of a model's own once it is loaded.

A convolution over patches that do not overlap is a linear layer of each patch; torch has no fast way to see
that. Linear layers on a CPU have their weights laid out once as oneDNN reads them best; torch multiplies with
MKL, whose kernels for few rows are slow on some processors. Those that are given the same become one, since
each multiplication of a step costs what it takes to begin it. docs/benchmarks.md says what each gains.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

#: Linear layers of a decoder's layer that are given the same, by the name of the part that has them.
_GIVEN_THE_SAME: Mapping[str, Sequence[tuple[str, ...]]] = {
    "self_attn": [("q_proj", "k_proj", "v_proj")],
    "mlp": [("gate_proj", "up_proj")],
}


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


class Joined:
    """Linear layers that are given the same, one after the other, in one multiplication.

    The first of them that is given something makes what all give; it is kept until each has had its own.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        self._sizes = [layer.out_features for layer in layers]
        whole = nn.Linear(layers[0].in_features, sum(self._sizes), bias=False, device="meta")
        whole.weight = nn.Parameter(torch.cat([layer.weight.detach() for layer in layers]))
        if layers[0].bias is not None:
            whole.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]))
        self._packed = PackedLinear(whole)
        self._given: torch.Tensor | None = None
        self._made: dict[int, torch.Tensor] = {}

    def take(self, place: int, inputs: torch.Tensor) -> torch.Tensor:
        """What one of them gives."""
        if inputs is not self._given or place not in self._made:
            made = self._packed(inputs).split(self._sizes, dim=-1)
            self._given, self._made = inputs, dict(enumerate(made))
        own = self._made.pop(place)
        if not self._made:
            self._given = None
        return own

    def weight(self, place: int) -> torch.Tensor:
        """The plain weights of one of them."""
        own: torch.Tensor = self._packed.weight.split(self._sizes)[place]
        return own

    def bias(self, place: int) -> torch.Tensor | None:
        """Its bias."""
        if self._packed.bias is None:
            return None
        own: torch.Tensor = self._packed.bias.split(self._sizes)[place]
        return own


class JoinedLinear(nn.Module):
    """Replaces one of several linear layers that are given the same."""

    def __init__(self, layer: nn.Linear, joined: Joined, place: int) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self._joined, self._place = joined, place

    @property
    def weight(self) -> torch.Tensor:
        """As `nn.Linear` has it; see PackedLinear."""
        return self._joined.weight(self._place)

    @property
    def bias(self) -> torch.Tensor | None:
        """As `nn.Linear` has it."""
        return self._joined.bias(self._place)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs times weights, plus bias."""
        return self._joined.take(self._place, inputs)


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
        _join_linears(model)
        _pack_linears(model)


def _is_of_patches(layer: nn.Conv3d) -> bool:
    """True when its patches touch and do not overlap: no padding, dilation or groups."""
    is_plain = layer.groups == 1 and layer.dilation == (1, 1, 1) and layer.padding == (0, 0, 0)
    return is_plain and layer.kernel_size == layer.stride


def _join_linears(model: nn.Module) -> None:
    for name, parent in model.named_modules():
        for names in _GIVEN_THE_SAME.get(name.rpartition(".")[2], ()):
            layers = [getattr(parent, own, None) for own in names]
            linears = [layer for layer in layers if type(layer) is nn.Linear and _can_be_packed(layer.weight)]
            if len(linears) == len(names) and len({layer.bias is None for layer in linears}) == 1:
                joined = Joined(linears)
                for place, own in enumerate(names):
                    setattr(parent, own, JoinedLinear(linears[place], joined, place))


def _pack_linears(model: nn.Module) -> None:
    for parent in model.modules():
        for name, layer in list(parent.named_children()):
            # A subclass may do more than multiply.
            if type(layer) is nn.Linear and _can_be_packed(layer.weight):
                setattr(parent, name, PackedLinear(layer))


def _can_be_packed(weight: torch.Tensor) -> bool:
    return weight.dtype is torch.float32 and weight.device.type == "cpu"
