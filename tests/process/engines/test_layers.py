"""Faster layers give the same results as the plain ones, and replace only layers that they can."""

from typing import Any

import pytest
import torch
from torch import nn

from worker.engines.layers import JoinedLinear, PackedLinear, PatchLinear, replace_layers


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


class Layer(nn.Module):
    """A layer of a decoder, as far as its linear layers go."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.self_attn, self.mlp = nn.Module(), nn.Module()
        for part, name, width in (
            *((self.self_attn, "q_proj", 32), (self.self_attn, "k_proj", 8), (self.self_attn, "v_proj", 8)),
            *((self.mlp, "gate_proj", 64), (self.mlp, "up_proj", 64)),
        ):
            setattr(part, name, nn.Linear(16, width, bias=bias))

    def linears(self) -> list[Any]:
        own = self.self_attn
        return [own.q_proj, own.k_proj, own.v_proj, self.mlp.gate_proj, self.mlp.up_proj]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 16), (2, 5, 16)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 2, 0, 3, 1), (0, 0, 3, 1, 3)])
def test_layers_that_are_given_the_same_are_one_and_give_the_same_in_any_order(bias, shape, order):
    torch.manual_seed(1)
    layer = Layer(bias=bias)
    with torch.inference_mode():
        given = [torch.randn(shape) for _ in range(2)]
        wanted = [[linear(inputs) for linear in layer.linears()] for inputs in given]
        replace_layers(layer)
        assert {type(linear) for linear in layer.linears()} == {JoinedLinear}
        for _ in range(2):
            for place in order:
                for inputs, expected in zip(given, wanted, strict=True):
                    torch.testing.assert_close(layer.linears()[place](inputs), expected[place])


def test_what_layers_make_together_is_kept_until_each_has_its_own():
    layer = Layer(bias=False)
    replace_layers(layer)
    *attention, gate, up = layer.linears()
    joined = attention[0]._joined
    with torch.inference_mode():
        inputs = torch.randn(3, 16)
        for linear in attention:
            linear(inputs)
        assert (joined._given, joined._made) == (None, {})
        gate(inputs)
        assert list(gate._joined._made) == [1]
        up(inputs)
        assert (gate._joined._given, gate._joined._made) == (None, {})


def test_what_was_left_of_one_that_failed_is_not_taken_for_what_comes_next():
    layer = Layer(bias=False)
    with torch.inference_mode():
        wanted = [linear(inputs) for inputs in [torch.ones(3, 16)] for linear in layer.linears()]
        replace_layers(layer)
        query, key, *_ = layer.linears()
        query(torch.zeros(3, 16))
        inputs = torch.ones(3, 16)
        with pytest.raises(RuntimeError):
            query(torch.ones(3, 15))
        torch.testing.assert_close(key(inputs), wanted[1])
        torch.testing.assert_close(query(inputs), wanted[0])


@pytest.mark.parametrize("bias", [True, False])
def test_joined_layers_whose_weights_are_read_have_them_and_give_the_same(bias):
    layer = Layer(bias=bias)
    plain = [(linear.weight, linear.bias) for linear in layer.linears()]
    with torch.inference_mode():
        inputs = torch.randn(3, 16)
        wanted = [linear(inputs) for linear in layer.linears()]
        replace_layers(layer)
        for linear, (weight, own) in zip(layer.linears(), plain, strict=True):
            assert torch.equal(linear.weight, weight)
            assert (linear.bias is None) if own is None else torch.equal(linear.bias, own)
        for linear, expected in zip(layer.linears(), wanted, strict=True):
            torch.testing.assert_close(linear(inputs), expected)


def test_layers_of_which_one_is_special_are_not_joined():
    layer = Layer(bias=True)
    layer.mlp.up_proj = Special(16, 64)
    replace_layers(layer)
    assert [type(linear) for linear in layer.linears()] == [*[JoinedLinear] * 3, PackedLinear, Special]


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
