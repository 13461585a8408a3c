"""Convolutional networks with weight-normalised layers."""

import pytest
import torch
import yaml
from distillation.core.errors import InputError
from distillation.networks.families import LAST_MAP
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.families.cnn.compute import build
from shipped import ROOT
from torch import nn

MODELS = yaml.safe_load((ROOT / "studies/lightnn/study.yaml").read_text(encoding="utf-8"))["models"]
SMALL = ConvolutionalNetwork(
    family="cnn", image_size=16, classes=10, convolutions=((4, 6), (8,)), hidden_width=12, dropout=0.5
)


def shipped(name):
    return ConvolutionalNetwork(image_size=32, classes=10, **MODELS[name])


def network(model, seed=0):
    return build(model, torch.Generator().manual_seed(seed))


# By module, counted by hand from the notebook; weight norm adds one gain for each output channel or unit.
DEEP = [7_424, 590_336, 295_168, 147_712, 73_856, 36_992, 18_496, 9_280]
LIGHT = [464, 2_336]


@pytest.mark.parametrize(
    ("name", "total", "convolutions"), [("deep", 1_185_674, DEEP), ("light", 268_091, LIGHT)]
)
def test_the_shipped_networks_have_the_parameters_of_the_released_ones(name, total, convolutions):
    own = network(shipped(name))
    assert sum(p.numel() for p in own.parameters()) == total
    layers = [layer for layer in own.convolutions if isinstance(layer, nn.Conv2d)]
    assert [sum(p.numel() for p in layer.parameters()) for layer in layers] == convolutions


@pytest.mark.parametrize(("name", "mflop"), [("deep", 1464), ("light", 2.594)])
def test_flops_of_the_shipped_networks_are_those_counted_by_hand(name, mflop):
    assert shipped(name).inference_flops(32) / 1e6 == pytest.approx(mflop, rel=1e-3)


def test_a_group_is_convolution_elu_and_batch_norm_then_a_pooling():
    kinds = [type(layer).__name__.removeprefix("Parametrized") for layer in network(SMALL).convolutions]
    block = ["Conv2d", "ELU", "BatchNorm2d"]
    assert kinds == [*block, *block, "MaxPool2d", *block, "MaxPool2d"]


def test_weights_start_as_those_of_plain_layers_and_are_drawn_by_the_generator_alone():
    torch.manual_seed(5)
    one = network(SMALL)
    torch.manual_seed(6)
    state = torch.get_rng_state()
    again, other = network(SMALL), network(SMALL, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert not torch.equal(one.convolutions[0].weight, other.convolutions[0].weight)
    bound = 1 / (3 * 9) ** 0.5
    assert 0.9 * bound < one.convolutions[0].weight.abs().max() <= bound


def test_it_captures_its_last_map_which_the_logits_can_be_differentiated_with_respect_to():
    own = network(SMALL).eval().requires_grad_(False)
    images = torch.randn(3, 3, 16, 16)
    assert own(images).features == {}
    output = own(images, {LAST_MAP})
    assert output.features[LAST_MAP].shape == (3, 8, SMALL.last_map_side(), SMALL.last_map_side())
    [slope] = torch.autograd.grad(output.logits.sum(), output.features[LAST_MAP])
    assert slope.abs().max() > 0
    with pytest.raises(InputError, match=r"There is no feature 'entering\.0' in this network: name last_map"):
        own(images, {"entering.0"})


def test_poolings_must_leave_something_and_images_have_the_size_of_the_classifier():
    deep = ConvolutionalNetwork(**{**vars(SMALL), "convolutions": ((2,),) * 5})
    assert list(deep.problems()) == ["convolutions: 5 poolings leave nothing of 16 pixels; name fewer groups"]
    assert not list(SMALL.problems())
    assert SMALL.unfit(16) == ""
    assert SMALL.unfit(12) == "12 does not fit its classifier; write 16"
