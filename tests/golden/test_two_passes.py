"""Gradients of saliency losses by two first-order passes, against differentiating a gradient, in float64."""

import copy
import itertools
from dataclasses import replace

import pytest
import torch
from distillation.core.errors import InputError
from distillation.networks import two_passes
from distillation.networks.batch import Batch
from distillation.networks.block_passes import BlockPasses
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit import compute as vit
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.objective import Objective
from distillation.networks.terms import Losses
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

SIZES = {"image_size": 12, "patch_size": 4, "width": 6, "depth": 3, "heads": 2, "mlp_width": 10, "classes": 5}
PLAIN = Model(family="vit", **SIZES)
NETWORKS = {
    "without dropout": PLAIN,
    "dropout": replace(PLAIN, dropout=0.3),
    "attention dropout": replace(PLAIN, dropout=0.2, attention_dropout=0.4),
    "stochastic depth": replace(PLAIN, dropout=0.2, stochastic_depth=0.5),
    "distillation token": replace(
        PLAIN, dropout=0.3, distillation_token=DistillationToken("random", position=True)
    ),
    "token past the dropout": replace(
        PLAIN, dropout=0.3, distillation_token=DistillationToken("zeros", position=False)
    ),
    "without final norm": replace(PLAIN, dropout=0.3, without_final_norm=True),
    "one head per block": replace(PLAIN, dropout=0.3, heads=1),
}
LAYERS = [(0,), (2,), (0, 2), (0, 1, 2)]
LABELS = torch.tensor([1, 4, 0, 1])
SHARES = torch.tensor([0.7, 0.3], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _float64(monkeypatch):
    """Losses and maps stay in float64, which they otherwise leave for float32."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


class Given(nn.Module):
    """Dropout that keeps what a mask says."""

    def __init__(self, mask, rate):
        super().__init__()
        self.mask, self.rate = mask, rate

    def forward(self, values):
        return values if self.mask is None else values * self.mask / (1 - self.rate)


def network(model, seed):
    """A network in float64 and in training mode whose every parameter matters."""
    rng = torch.Generator().manual_seed(seed)
    built = vit.build(model, rng).double().train()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    return built


def with_masks(net, all_masks):
    """A copy of timm's blocks, with modules of the given masks in place of those that draw."""
    own = copy.deepcopy(net)
    for block, masks in zip(own.blocks, all_masks, strict=True):
        rates = (block.attn.attn_drop.p, block.attn.proj_drop.p, getattr(block.drop_path1, "drop_prob", 0))
        both, paths = masks.branches, masks.paths
        block.attn.fused_attn = False
        block.attn.attn_drop = Given(masks.attention, rates[0])
        block.attn.proj_drop = Given(None if both is None else both[0], rates[1])
        block.mlp.drop2 = Given(None if both is None else both[1], rates[1])
        block.drop_path1 = Given(None if paths is None else paths[0], rates[2])
        block.drop_path2 = Given(None if paths is None else paths[1], rates[2])
    return own


def passes_of(net, shown):
    return BlockPasses(bf16=False).two_passes(net, shown)


def images():
    return torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def losses(layers, kind, over_layers="sum"):
    return Losses(
        ce=CrossEntropy(1.0),
        kd=Distillation(0.5, 4.0),
        saliency=Saliency(0.8, kind, layers, layers, over_layers),
    )


def gradients(net):
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


def both_ways(model, layers, kind, mixed=False, over_layers="sum"):
    """Loss, terms and gradients in two passes, and by differentiating a gradient with the same dropout."""
    objective = Objective(losses(layers, kind, over_layers))
    net, guide = network(model, seed=1), network(PLAIN, seed=2).eval().requires_grad_(False)
    with sdpa_kernel(SDPBackend.MATH):
        teacher = guide(images(), objective.teacher_features)
    further = {"partner_labels": LABELS.roll(1), "shares": SHARES} if mixed else {}
    torch.manual_seed(3)
    passes = passes_of(net, images())
    first = passes.first(objective.student_features)
    batch = Batch(first, LABELS, teacher, **further)
    to_differentiate, total, terms = two_passes.losses(objective, batch, passes.second)
    to_differentiate.backward()

    # The teacher's graph was used up.
    with sdpa_kernel(SDPBackend.MATH):
        teacher = guide(images(), objective.teacher_features)
        torch.manual_seed(3)
        twice = with_masks(net, passes.masks)
        twice.zero_grad()
        output = twice(images(), objective.student_features)
    expected, of_terms = objective(Batch(output, LABELS, teacher, **further))
    expected.backward()
    return (total, terms, gradients(net)), (expected, of_terms, gradients(twice))


def assert_same(own, expected, tolerance=1e-10):
    torch.testing.assert_close(own[0], expected[0].detach(), rtol=1e-12, atol=0)
    assert own[1].keys() == expected[1].keys()
    for name, value in own[1].items():
        torch.testing.assert_close(value, expected[1][name], rtol=1e-12, atol=0)
    assert own[2].keys() == expected[2].keys()
    for name, gradient in own[2].items():
        largest = expected[2][name].abs().max()
        assert (gradient - expected[2][name]).abs().max() <= tolerance * largest, name


@pytest.mark.parametrize(("name", "layers"), itertools.product(NETWORKS, LAYERS))
def test_two_passes_have_the_gradients_of_differentiating_twice(name, layers):
    own, expected = both_ways(NETWORKS[name], layers, "gradient")
    assert_same(own, expected)


@pytest.mark.parametrize("kind", ["gradient-max", "grad-cam"])
@pytest.mark.parametrize("layers", [(1,), (0, 1, 2)])
def test_the_other_maps_of_gradients_are_trained_in_two_passes_too(kind, layers):
    own, expected = both_ways(NETWORKS["distillation token"], layers, kind)
    assert_same(own, expected)


def test_mixed_images_count_by_their_shares_in_both_passes():
    own, expected = both_ways(NETWORKS["dropout"], (0, 2), "gradient", mixed=True)
    alone, _ = both_ways(NETWORKS["dropout"], (0, 2), "gradient")
    assert alone[1]["saliency"] != own[1]["saliency"]
    assert_same(own, expected)


def test_the_mean_over_layers_is_trained_in_two_passes_too():
    own, expected = both_ways(NETWORKS["dropout"], (0, 1, 2), "gradient", over_layers="mean")
    assert_same(own, expected)


def test_the_saliency_term_changes_gradients_that_the_oracle_would_miss_without_it():
    own, _ = both_ways(PLAIN, (0, 1, 2), "gradient")
    net = network(PLAIN, seed=1)
    teacher = network(PLAIN, seed=2).eval()(images())
    Objective(replace(losses((0,), "gradient"), saliency=None))(Batch(net(images()), LABELS, teacher))[
        0
    ].backward()
    for name, gradient in gradients(net).items():
        if name.startswith("blocks"):
            assert (gradient - own[2][name]).abs().max() > 1e-3 * gradient.abs().max(), name


def test_the_first_pass_draws_dropout_as_the_network_does():
    """With dropout of tokens alone, the draws of both come in the same order."""
    net = network(NETWORKS["dropout"], seed=1)
    torch.manual_seed(5)
    expected = net(images()).logits
    torch.manual_seed(5)
    torch.testing.assert_close(passes_of(net, images()).first(()).logits, expected, rtol=1e-12, atol=1e-12)
    torch.manual_seed(6)
    assert (passes_of(net, images()).first(()).logits - expected).abs().max() > 1e-3


def test_the_share_that_masks_keep_is_that_of_the_rates():
    model = replace(PLAIN, image_size=48, dropout=0.1, attention_dropout=0.4, stochastic_depth=0.5)
    net = network(model, seed=1)
    torch.manual_seed(0)
    masks = passes_of(net, torch.zeros(32, 3, 48, 48, dtype=torch.float64)).masks
    for each in masks:
        assert each.branches.double().mean() == pytest.approx(0.9, abs=0.01)
        assert each.attention.double().mean() == pytest.approx(0.6, abs=0.01)
    assert masks[0].paths is None
    assert masks[-1].paths.double().mean() == pytest.approx(0.5, abs=0.2)
    assert all(value is None for each in passes_of(net.eval(), images_of(48)).masks for value in each)


def images_of(side):
    return torch.zeros(2, 3, side, side, dtype=torch.float64)


def test_parameters_are_trained_again_after_the_first_pass():
    net = network(PLAIN, seed=1)
    net.head.requires_grad_(False)
    passes = passes_of(net, images())
    output = passes.first({"entering.1"})
    assert output.features["entering.1"].values.requires_grad
    trained = {name for name, parameter in net.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in net.named_parameters() if not name.startswith("head.")}


def test_a_feature_that_two_passes_do_not_capture_is_refused():
    with pytest.raises(InputError) as refusal:
        passes_of(network(PLAIN, seed=1), images()).first({"entering.1", "leaving.1"})
    assert str(refusal.value) == (
        "Two passes capture tokens that enter blocks, and nothing else: not 'leaving.1'."
    )
