"""Packed layers give what the plain ones give, and only those are packed that can be."""

import pytest
import torch
from torch import nn

from worker.engines.packed import PackedLinear, pack_linears


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


def test_every_linear_layer_of_a_model_is_packed_wherever_it_is():
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.GELU(), nn.Linear(8, 4)))
    given = torch.randn(3, 8)
    with torch.inference_mode():
        before = model(given)
        pack_linears(model)
        torch.testing.assert_close(model(given), before)
    assert [type(layer) for layer in model.modules() if "Linear" in type(layer).__name__] == [
        PackedLinear
    ] * 2
    assert not list(model.parameters()), "the plain weights are not kept"


def test_layers_of_other_classes_and_formats_stay_as_they_are():
    model = nn.Sequential(Special(8, 8), nn.Linear(8, 8, dtype=torch.bfloat16))
    pack_linears(model)
    assert [type(layer) for layer in model] == [Special, nn.Linear]
