"""Saliency maps against finite differences in float64, and the loss that matches them."""

import pytest
import torch
from distillation.networks.batch import Batch
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.networks.losses.saliency import Saliency
from distillation.networks.losses.saliency import compute as loss
from distillation.networks.saliency import gradient
from distillation.networks.saliency.gradient import compute as gradient_code
from torch.nn.attention import SDPBackend, sdpa_kernel

SMALL = {"width": 6, "depth": 3, "heads": 2, "mlp_width": 10, "classes": 5}
PLAIN = Model(family="vit", image_size=12, patch_size=4, **SMALL)
TOKEN = Model(
    family="vit",
    image_size=12,
    patch_size=4,
    **SMALL,
    distillation_token=DistillationToken("random", position=True),
)
LABELS = torch.tensor([1, 4, 0])
PATCHES = 9
LAYERS = [(0,), (1,), (2,), (0, 1, 2)]


def network(model, seed=0, frozen=False):
    """A float64 network whose every parameter matters, with gradients beside which 1e-6 is nothing."""
    rng = torch.Generator().manual_seed(seed)
    built = build(model, rng).double().eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng))
        built.head.weight.mul_(100)
    return built.requires_grad_(not frozen)


def images():
    return torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(9)).double()


def entering(output, layer):
    """The captured tokens that enter a block, [B, prefix + patches, width]."""
    return output.features[f"entering.{layer}"].values


def answer(net, layers):
    with sdpa_kernel(SDPBackend.MATH):
        return net(images(), gradient.features(layers))


def true_logit_from(net, tokens, layer, label):
    """Logit [N] of a class from the tokens [N, prefix + patches, width] that enter a block."""
    for block in net.blocks[layer:]:
        tokens = block(tokens)
    return net.head(net.norm(tokens)[:, 0])[:, label]


@torch.no_grad()
def map_by_finite_differences(net, layer):
    """[B, patches], float64, from central differences with respect to every channel of every patch."""
    step, prefix = 1e-6, net.prefix_tokens
    rows = []
    for tokens, label in zip(
        entering(net(images(), gradient.features((layer,))), layer), LABELS.tolist(), strict=True
    ):
        shifts = step * torch.eye(tokens.numel(), dtype=torch.float64).view(-1, *tokens.shape)
        up, down = (true_logit_from(net, tokens + sign * shifts, layer, label) for sign in (1, -1))
        derivative = ((up - down) / (2 * step)).view(tokens.shape)
        norms = derivative[prefix:].norm(dim=1)
        rows.append((norms - norms.min()) / (norms.max() - norms.min()))
    return torch.stack(rows)


def matching_by_hand(student, teacher, layers, over_layers):
    """The loss in float64 throughout, with the graph to the student's parameters."""
    pair = []
    for net in (student, teacher):
        output = answer(net, layers)
        logit = output.logits.gather(1, LABELS[:, None]).sum()
        tokens = [entering(output, layer) for layer in layers]
        gradients = torch.autograd.grad(logit, tokens, create_graph=net is student)
        maps = []
        for values in gradients:
            norms = values[:, net.prefix_tokens :].square().sum(-1).sqrt()
            low, high = norms.min(1, keepdim=True).values, norms.max(1, keepdim=True).values
            maps.append((norms - low) / (high - low))
        pair.append(maps)
    each = [((s - t) ** 2).sum() / (len(LABELS) * PATCHES) for s, t in zip(*pair, strict=True)]
    return sum(each) / (1 if over_layers == "sum" else len(each))


def settings(layers, over_layers="sum"):
    return Saliency(0.8, "gradient", layers, layers, over_layers)


def matching(student, teacher, layers, over_layers="sum"):
    batch = Batch(answer(student, layers), LABELS, teacher=answer(teacher, layers))
    return loss.term(settings(layers, over_layers), batch)


# Maps


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("model", [PLAIN, TOKEN], ids=["plain", "distillation-token"])
@pytest.mark.parametrize("frozen", [False, True], ids=["student", "frozen-teacher"])
def test_a_map_is_the_size_of_the_finite_differences_of_the_true_logit(layer, model, frozen):
    net = network(model, frozen=frozen)
    maps = gradient_code.maps(answer(net, (layer,)), LABELS, (layer,), differentiable=False)
    expected = map_by_finite_differences(net, layer)
    torch.testing.assert_close(maps[0].double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("model", [PLAIN, TOKEN], ids=["plain", "distillation-token"])
@pytest.mark.parametrize("frozen", [False, True], ids=["student", "frozen-teacher"])
def test_every_layer_of_every_network_has_maps_from_zero_to_one_over_the_patches(model, frozen):
    net = network(model, frozen=frozen)
    maps = gradient_code.maps(answer(net, (0, 1, 2)), LABELS, (0, 1, 2), differentiable=False)
    assert maps.shape == (3, len(LABELS), PATCHES)
    assert maps.dtype == torch.float32
    assert (maps.amin(-1) == 0).all()
    assert ((maps.amax(-1) > 0.999) & (maps.amax(-1) <= 1)).all()
    assert (maps.flatten(1).std(dim=1) > 0.05).all()


@pytest.mark.parametrize("resolution", [4, 8, 12])
def test_maps_are_as_large_at_the_start_of_training_as_at_its_end(resolution):
    model = Model(
        family="vit", image_size=12, patch_size=2, width=32, depth=4, heads=2, mlp_width=64, classes=10
    )
    batch = torch.randn(3, 3, resolution, resolution, generator=torch.Generator().manual_seed(0))
    output = build(model, torch.Generator().manual_seed(0))(batch, gradient.features((0, 1, 3)))
    maps = gradient_code.maps(output, LABELS, (0, 1, 3), differentiable=False)
    assert (maps.amax(-1) > 0.99).all()


def test_maps_come_in_the_order_of_the_layers_asked_for():
    output = answer(network(PLAIN), (0, 1, 2))
    forward = gradient_code.maps(output, LABELS, (0, 2), differentiable=True)
    backward = gradient_code.maps(output, LABELS, (2, 0), differentiable=False)
    torch.testing.assert_close(forward.flip(0), backward)


def test_an_image_does_not_change_the_map_of_another():
    net = network(PLAIN)
    whole = gradient_code.maps(answer(net, (0, 2)), LABELS, (0, 2), differentiable=False)
    alone = net(images()[1:2], gradient.features((0, 2)))
    torch.testing.assert_close(
        gradient_code.maps(alone, LABELS[1:2], (0, 2), differentiable=False)[:, 0],
        whole[:, 1],
        rtol=0,
        atol=1e-6,
    )


def test_the_true_class_decides_the_map_not_the_answer():
    net = network(PLAIN)
    own = gradient_code.maps(answer(net, (1,)), LABELS, (1,), differentiable=False)
    other = gradient_code.maps(answer(net, (1,)), (LABELS + 1) % 5, (1,), differentiable=False)
    assert (own - other).abs().amax(-1).min() > 1e-3


def test_patches_that_leave_the_last_block_have_no_gradient_so_those_that_enter_are_taken():
    net, left = network(PLAIN), []
    hook = net.blocks[-1].register_forward_hook(lambda _, __, output: left.append(output))
    output = answer(net, (2,))
    hook.remove()
    logit = output.logits.gather(1, LABELS[:, None]).sum()
    of_leaving, of_entering = torch.autograd.grad(logit, [left[0], entering(output, 2)])
    assert of_leaving[:, 1:].abs().max() == 0
    assert of_leaving[:, 0].abs().max() > 0
    assert of_entering[:, 1:].abs().amax(dim=(1, 2)).min() > 0


def test_only_differentiable_maps_keep_a_graph():
    for differentiable in (True, False):
        output = answer(network(PLAIN), (0, 1))
        assert gradient_code.maps(output, LABELS, (0, 1), differentiable).requires_grad is differentiable


# The loss


@pytest.mark.parametrize("over_layers", ["sum", "mean"])
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_the_loss_is_the_mean_square_per_layer_summed_or_averaged(layers, over_layers):
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    expected = matching_by_hand(student, teacher, layers, over_layers)
    value = matching(student, teacher, layers, over_layers)
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    assert expected.item() > 0.01


def test_layers_of_unlike_networks_are_paired_in_order():
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    crossed = Saliency(1.0, "gradient", (0, 1), (2, 1), "sum")
    batch = Batch(answer(student, (0, 1)), LABELS, teacher=answer(teacher, (2, 1)))
    maps = [
        gradient_code.maps(answer(net, order), LABELS, order, differentiable=False)
        for net, order in ((student, (0, 1)), (teacher, (2, 1)))
    ]
    expected = sum(((s - t) ** 2).mean() for s, t in zip(*maps, strict=True))
    torch.testing.assert_close(loss.term(crossed, batch), expected)


def test_the_maps_of_mixed_images_are_those_of_both_classes_by_their_shares():
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    shares, partner = torch.tensor([0.7, 0.3]), LABELS.roll(1)
    batch = Batch(
        answer(student, (1,)), LABELS, answer(teacher, (1,)), partner_labels=partner, shares=shares.double()
    )
    maps = []
    for net in (student, teacher):
        output = answer(net, (1,))
        own, other = (output.logits.gather(1, each[:, None]).sum() for each in (LABELS, partner))
        [gradient_of_both] = torch.autograd.grad(0.7 * own + 0.3 * other, [entering(output, 1)])
        norms = gradient_of_both[:, net.prefix_tokens :].norm(dim=-1)
        low, high = norms.min(1, keepdim=True).values, norms.max(1, keepdim=True).values
        maps.append((norms - low) / (high - low))
    expected = ((maps[0] - maps[1]) ** 2).mean()
    assert loss.term(settings((1,)), batch).item() == pytest.approx(expected.item(), rel=1e-4)
    assert abs(expected.item() - matching(student, teacher, (1,)).item()) > 1e-3


def test_a_control_compares_with_the_maps_of_the_image_before_it_in_the_batch():
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    layers = (0, 2)
    own, others = (
        gradient_code.maps(answer(net, layers), LABELS, layers, differentiable=False)
        for net in (student, teacher)
    )
    batch = Batch(answer(student, layers), LABELS, teacher=answer(teacher, layers))
    control = Saliency(1.0, "gradient", layers, layers, "sum", "of-another-image")
    expected = ((own - others[:, [2, 0, 1]]) ** 2).flatten(1).mean(1).sum()
    torch.testing.assert_close(loss.term(control, batch), expected)
    assert abs(expected - matching(student, teacher, layers)) > 0.01


def test_a_control_compares_with_the_maps_of_an_untrained_network_and_asks_the_teacher_for_none():
    student, teacher, untrained = (
        network(TOKEN),
        network(PLAIN, 1, frozen=True),
        network(PLAIN, 2, frozen=True),
    )
    control = Saliency(0.8, "gradient", (0, 2), (0, 2), "sum", "untrained")
    batch = Batch(
        answer(student, (0, 2)), LABELS, teacher=answer(teacher, ()), untrained=answer(untrained, (0, 2))
    )
    assert torch.equal(loss.term(control, batch), matching(student, untrained, (0, 2)))
    assert (control.teacher_features, control.untrained_features) == (frozenset(), gradient.features((0, 2)))
    plain = settings((0, 2))
    assert (plain.teacher_features, plain.untrained_features) == (gradient.features((0, 2)), frozenset())


def test_a_student_that_is_its_teacher_has_no_loss():
    assert matching(network(PLAIN), network(PLAIN, frozen=True), (0, 1, 2)).item() < 1e-10


@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_the_derivative_of_the_loss_is_its_finite_difference_in_every_layer_list(layers):
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    matching(student, teacher, layers).backward()
    step = 1e-6
    for name in (
        "blocks.0.attn.qkv.weight",
        "blocks.1.mlp.fc1.weight",
        "blocks.2.norm2.weight",
        "blocks.2.attn.proj.weight",
        "head.weight",
        "positions",
        "distillation_token",
    ):
        parameter = student.get_parameter(name)
        entry = parameter.grad.flatten().abs().argmax()
        flat = parameter.data.view(-1)
        values = []
        for shift in (step, -2 * step):
            flat[entry] += shift
            values.append(matching_by_hand(student, teacher, layers, "sum").item())
        flat[entry] += step
        expected = (values[0] - values[1]) / (2 * step)
        assert abs(expected) > 1e-5
        assert parameter.grad.flatten()[entry].item() == pytest.approx(expected, rel=1e-3), name


@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_the_loss_trains_every_block_of_the_student_and_nothing_of_the_teacher(layers):
    student, teacher = network(TOKEN), network(PLAIN, seed=1)  # not frozen: it could be trained
    matching(student, teacher, layers).backward()
    for block in student.blocks:
        for part in (block.norm1, block.attn, block.norm2, block.mlp):
            assert sum(p.grad.norm() for p in part.parameters()) > 1e-6
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is None for p in student.distillation_head.parameters())


# Why training turns fused attention off


def test_gradient_maps_ask_for_attention_with_a_second_derivative():
    assert gradient.SECOND_ORDER is True


def test_fused_attention_cannot_be_differentiated_twice():
    student, teacher = network(TOKEN), network(PLAIN, seed=1, frozen=True)
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        fused = student(images(), gradient.features((0, 1)))
    value = loss.term(settings((0, 1)), Batch(fused, LABELS, teacher=answer(teacher, (0, 1))))
    with pytest.raises(RuntimeError, match=r"derivative for .*attention.* is not implemented"):
        value.backward()
