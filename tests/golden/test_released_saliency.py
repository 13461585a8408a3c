"""The released saliency maps against ten-fold autograd, and against the whole attention matrix."""

import pytest
import torch
from distillation.core import components
from distillation.networks.batch import Batch
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.networks.losses.saliency import Saliency
from distillation.networks.losses.saliency import compute as loss
from distillation.networks.map_settings import KINDS
from distillation.networks.output import Output
from distillation.networks.saliency import class_map, cls_attention
from distillation.networks.saliency.class_map import compute as class_map_code
from distillation.networks.saliency.cls_attention import compute as cls_attention_code
from torch.nn import functional

SMALL = {"width": 12, "depth": 3, "heads": 2, "mlp_width": 20, "classes": 10}
PLAIN = Model(family="vit", image_size=12, patch_size=4, **SMALL)
TOKEN = Model(
    family="vit",
    image_size=12,
    patch_size=4,
    **SMALL,
    without_final_norm=True,
    distillation_token=DistillationToken("zeros", False),
)
LABELS = torch.tensor([1, 4, 0])
LAYERS = (0, 2)


def network(model, seed=0):
    rng = torch.Generator().manual_seed(seed)
    built = build(model, rng)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng))
    return built


def images():
    return torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(9))


def released_class_maps(network, images, layers):
    """Ten gradients a layer, as the notebooks take them, with the graph to the network's parameters."""
    outputs = []
    hooks = [block.register_forward_hook(lambda _, __, out: outputs.append(out)) for block in network.blocks]
    network(images)
    for hook in hooks:
        hook.remove()
    stacks = []
    for layer in layers:
        patches = outputs[layer][:, network.prefix_tokens :]
        logits = functional.linear(patches.mean(dim=1), network.head.weight, network.head.bias)
        maps = []
        for index in range(logits.shape[1]):
            [gradient] = torch.autograd.grad(logits[:, index].sum(), patches, create_graph=True)
            weight = gradient.mean(dim=1, keepdim=True)
            maps.append((weight * patches).relu().sum(dim=-1))
        stack = torch.stack(maps, dim=-1)
        flat = stack.flatten(1)
        low, high = flat.min(1).values[:, None, None], flat.max(1).values[:, None, None]
        stacks.append((stack - low) / (high - low + 1e-6))
    return torch.stack(stacks)


@pytest.mark.parametrize("cached", [1, 7, 1000])
def test_the_gradient_of_class_maps_is_the_difference_quotient_in_pieces_of_any_size(monkeypatch, cached):
    monkeypatch.setattr(class_map_code, "_CACHED", cached)
    rng = torch.Generator().manual_seed(3)
    tokens = torch.randn(6, 5, 4, dtype=torch.float64, generator=rng).transpose(0, 1).requires_grad_()
    weights = torch.randn(10, 4, dtype=torch.float64, generator=rng, requires_grad=True)
    torch.autograd.gradcheck(class_map_code._Sums.apply, (tokens, weights))
    expected = torch.einsum("btkc->btk", (tokens[:, :, None] * weights).relu())
    torch.testing.assert_close(class_map_code._Sums.apply(tokens, weights), expected)


@pytest.mark.parametrize("model", [PLAIN, TOKEN], ids=["teacher", "student"])
def test_the_closed_form_of_class_maps_is_ten_fold_autograd(model):
    net = network(model)
    output = net(images(), class_map.features(LAYERS))
    maps = class_map_code.maps(output, LABELS, LAYERS, differentiable=True)
    expected = released_class_maps(net, images(), LAYERS)
    assert maps.shape == expected.shape == (2, 3, 9, 10)
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-6)
    assert maps.std() > 0.05


def test_gradients_of_class_maps_are_those_of_ten_fold_autograd_down_to_the_classifier():
    target = torch.rand(2, 3, 9, 10, generator=torch.Generator().manual_seed(1))
    gradients = []
    for maps_of in (
        lambda net: class_map_code.maps(
            net(images(), class_map.features(LAYERS)), LABELS, LAYERS, differentiable=True
        ),
        lambda net: released_class_maps(net, images(), LAYERS),
    ):
        net = network(TOKEN)
        (maps_of(net) - target).square().sum().backward()
        gradients.append({name: p.grad for name, p in net.named_parameters() if p.grad is not None})
    ours, theirs = gradients
    assert ours["head.weight"].abs().max() > 1e-3
    assert "head.bias" not in ours
    for name in ours:
        scale = theirs[name].abs().max()
        torch.testing.assert_close(ours[name] / scale, theirs[name] / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("over_layers", "share"), [("sum", 1.0), ("mean", 0.5)])
def test_the_loss_of_class_maps_is_their_mean_square_over_positions_and_classes(over_layers, share):
    student, teacher = network(TOKEN), network(PLAIN, seed=1)
    settings = Saliency(0.8, "class-map", (0, 1), (0, 2), over_layers)
    batch = Batch(
        student(images(), class_map.features((0, 1))), LABELS, teacher(images(), class_map.features((0, 2)))
    )
    pair = released_class_maps(student, images(), (0, 1)), released_class_maps(teacher, images(), (0, 2))
    expected = share * sum((s - t).square().mean() for s, t in zip(*pair, strict=True))
    torch.testing.assert_close(loss.term(settings, batch), expected)
    loss.term(settings, batch).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert student.head.weight.grad.abs().max() > 0


# Attention of the CLS token


def full_attention(block, tokens):
    """The whole matrix of probabilities [B, heads, tokens, tokens] of a block."""
    attention = block.attn
    query, key, _ = attention.qkv(block.norm1(tokens)).chunk(3, dim=-1)
    query, key = (part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in (query, key))
    return (query @ key.transpose(-2, -1) * attention.scale).softmax(dim=-1)


@pytest.mark.parametrize("model", [PLAIN, TOKEN], ids=["teacher", "student"])
def test_the_row_of_the_cls_token_is_that_of_the_full_matrix(model):
    net = network(model)
    output = net(images(), [f"{what}.{index}" for what in ("entering", "attention") for index in range(3)])
    for index, block in enumerate(net.blocks):
        expected = full_attention(block, output.features[f"entering.{index}"].values)[:, :, 0]
        torch.testing.assert_close(output.features[f"attention.{index}"].values, expected, rtol=0, atol=1e-6)


def test_attention_maps_leave_out_the_tokens_before_the_patches_and_train_the_student_alone():
    student, teacher = network(TOKEN), network(PLAIN, seed=1)
    settings = Saliency(0.8, "cls-attention", (0, 1, 2), (0, 1, 2), "mean")
    layers = (0, 1, 2)
    features = cls_attention.features(layers)
    batch = Batch(student(images(), features), LABELS, teacher(images(), features))
    maps = cls_attention_code.maps(batch.student, LABELS, layers, differentiable=False)
    assert maps.shape == (3, 3, 9)
    assert ((maps.amin(-1) == 0) & (maps.amax(-1) > 0.999)).all()
    loss.term(settings, batch).backward()
    assert all(p.grad is None for p in teacher.parameters())
    for block in student.blocks:
        assert block.attn.qkv.weight.grad.abs().max() > 0


@pytest.mark.parametrize("kind", ["class-map", "cls-attention"])
def test_released_maps_need_no_second_derivative_and_keep_fused_attention(kind):
    declared, module = KINDS[kind], components.load("networks.saliency", kind)
    assert declared.SECOND_ORDER is False
    output = network(TOKEN)(images(), declared.features(LAYERS))
    assert isinstance(output, Output)
    assert module.maps(output, LABELS, LAYERS, differentiable=True).requires_grad
    assert not module.maps(output, LABELS, LAYERS, differentiable=False).requires_grad
