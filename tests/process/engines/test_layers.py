"""Faster layers give the same results as the plain ones, and replace only layers that they can."""

import pytest
import torch
from torch import nn

from worker.engines.layers import PackedLinear, PatchLinear, replace_layers


class Special(nn.Linear):
    """A layer that does more than multiply."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs) * 2


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 48), (7, 48), (2, 5, 48), (300, 48)])
def test_a_packed_layer_gives_what_the_plain_one_gives(shape, bias):
    torch.manual_seed(1)
    layer, given = nn.Linear(48, 80, bias=bias), torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(layer)(given), layer(given))


@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_whose_weights_are_read_has_them_and_gives_the_same(bias):
    layer, given = nn.Linear(48, 80, bias=bias), torch.randn(5, 48)
    packed = PackedLinear(layer)
    with torch.inference_mode():
        before = packed(given)
        assert torch.equal(packed.weight, layer.weight)
        assert packed.weight.dtype is torch.float32
        assert (packed.bias is None) if layer.bias is None else torch.equal(packed.bias, layer.bias)
        torch.testing.assert_close(packed(given), before)


def test_every_linear_layer_of_a_model_is_packed_wherever_it_is():
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.GELU(), nn.Linear(8, 4)))
    given = torch.randn(3, 8)
    with torch.inference_mode():
        before = model(given)
        replace_layers(model)
        torch.testing.assert_close(model(given), before)
    assert [type(layer) for layer in model.modules() if "Linear" in type(layer).__name__] == [
        PackedLinear
    ] * 2
    assert not list(model.parameters()), "the plain weights are not kept"


def test_layers_of_other_classes_and_formats_stay_as_they_are():
    model = nn.Sequential(Special(8, 8), nn.Linear(8, 8, dtype=torch.bfloat16))
    replace_layers(model)
    assert [type(layer) for layer in model] == [Special, nn.Linear]


def patches(count: int = 5) -> torch.Tensor:
    return torch.randn(count, 3, 2, 14, 14)


def convolution(**how) -> nn.Conv3d:
    torch.manual_seed(2)
    return nn.Conv3d(3, 16, **{"kernel_size": (2, 14, 14), "stride": (2, 14, 14), **how})


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_convolution_over_patches_is_a_linear_layer(bias, dtype):
    model, given = nn.Sequential(convolution(bias=bias)).to(dtype), patches().to(dtype)
    with torch.inference_mode():
        before = model(given)
        replace_layers(model)
        torch.testing.assert_close(model(given), before)
    assert type(model[0]) is PatchLinear
    assert model[0].weight.dtype is dtype


@pytest.mark.parametrize("how", [{"stride": (1, 7, 7)}, {"padding": 1}, {"dilation": (1, 2, 1)}])
def test_a_convolution_over_what_overlaps_stays_as_it_is(how):
    model = nn.Sequential(convolution(**how))
    replace_layers(model)
    assert type(model[0]) is nn.Conv3d
