"""Other readings of "saliency maps", against the definitions of their papers in float64."""

import pytest
import torch
from distillation.core import components
from distillation.networks.batch import Batch
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.networks.losses.saliency import Saliency
from distillation.networks.losses.saliency import compute as loss
from distillation.networks.map_settings import KINDS
from torch.nn.attention import SDPBackend, sdpa_kernel

TOKEN = Model(
    family="vit",
    image_size=12,
    patch_size=4,
    width=6,
    depth=3,
    heads=2,
    mlp_width=10,
    classes=5,
    distillation_token=DistillationToken("random", position=True),
)
LABELS, LAYERS = torch.tensor([1, 4, 0]), (0, 1, 2)
NEW = ["gradient_max", "grad_cam", "token_norm"]


def network(seed):
    """A float64 network whose every parameter matters."""
    rng = torch.Generator().manual_seed(seed)
    built = build(TOKEN, rng).double().eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng))
        built.head.weight.mul_(100)
    return built


def answer(net, kind):
    images = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(9)).double()
    with sdpa_kernel(SDPBackend.MATH):
        return net(images, KINDS[kind.replace("_", "-")].features(LAYERS))


def maps(net, kind, **options):
    of_kind = components.load("networks.saliency", kind.replace("_", "-")).maps
    return of_kind(answer(net, kind), LABELS, LAYERS, **{"differentiable": False, **options})


def by_definition(net, kind):
    """The maps before min-max, [layers, B, patches]."""
    output = answer(net, kind)
    if kind == "token_norm":
        return torch.stack([output.features[f"leaving.{i}"].values[:, 2:].norm(dim=-1) for i in LAYERS])
    tokens = [output.features[f"entering.{i}"].values for i in LAYERS]
    score = output.logits[range(3), LABELS].sum()
    pairs = zip(tokens, torch.autograd.grad(score, tokens), strict=True)
    if kind == "gradient_max":
        return torch.stack([gradient[:, 2:].abs().max(dim=-1).values for _, gradient in pairs])
    # Selvaraju et al. 2017: alpha is the mean of the gradient over places, the map ReLU(sum alpha A).
    found = []
    for values, gradient in pairs:
        alpha = gradient[:, 2:].mean(dim=1)
        found.append(torch.einsum("bc,bpc->bp", alpha, values[:, 2:]).relu())
    return torch.stack(found)


@pytest.mark.parametrize("kind", NEW)
def test_a_map_is_what_its_paper_defines(kind):
    net = network(0)
    raw = by_definition(net, kind)
    low, high = raw.amin(-1, keepdim=True), raw.amax(-1, keepdim=True)
    expected = (raw - low) / (high - low)
    torch.testing.assert_close(maps(net, kind).double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("kind", NEW)
def test_matching_the_maps_reaches_the_student_and_leaves_the_teacher_alone(kind):
    student, teacher = network(0), network(1)
    name = kind.replace("_", "-")
    settings = Saliency(0.8, name, LAYERS, LAYERS, "sum")
    batch = Batch(answer(student, kind), LABELS, teacher=answer(teacher, kind))
    term = loss.term(settings, batch)
    with sdpa_kernel(SDPBackend.MATH):
        term.backward()
    assert term > 0
    assert (
        sum(parameter.grad.abs().sum() for parameter in student.parameters() if parameter.grad is not None)
        > 0
    )
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert settings.second_order == (kind != "token_norm")


@pytest.mark.parametrize("kind", NEW)
def test_recorded_maps_keep_no_graph(kind):
    assert not maps(network(0), kind).requires_grad
