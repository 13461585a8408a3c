"""Attention maps: the gradients that the student's parameters get, against plain backward passes."""

import itertools

import pytest
import torch
from distillation.networks import answers
from distillation.networks.batch import Batch
from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.families.cnn.compute import build
from distillation.networks.losses.attention import Attention, compute
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.objective import Objective
from distillation.networks.output import Output
from distillation.networks.terms import Losses
from torch.nn import functional

LABELS = torch.tensor([3, 0, 9, 9, 5, 1])
IMAGES = torch.randn(len(LABELS), 3, 16, 16, generator=torch.Generator().manual_seed(0))
SHAPE = {"family": "cnn", "image_size": 16, "classes": 10, "hidden_width": 12}
STUDENT = ConvolutionalNetwork(**SHAPE, convolutions=((6,),))
TEACHER = ConvolutionalNetwork(**SHAPE, convolutions=((8, 8), (4,)))


@pytest.fixture(autouse=True)
def in_double_precision(monkeypatch):
    """The terms compute in float32; here in float64, so that differences are those of the mathematics."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def network(model, seed):
    return build(model, torch.Generator().manual_seed(seed)).double().train()


def pair():
    return network(STUDENT, 1), network(TEACHER, 2).eval().requires_grad_(False)


def loss(losses, student, teacher):
    """The loss as a training step computes it."""
    objective = Objective(losses)
    output = student(IMAGES.double(), objective.student_features)
    guide = answers.answer(teacher, IMAGES.double(), LABELS, objective.teacher_features)
    return objective(Batch(output, LABELS, guide))


def gradients(student):
    return {name: value.grad.clone() for name, value in student.named_parameters()}


def of_ce(factor):
    """Gradients of a multiple of plain cross-entropy."""
    student, _ = pair()
    (factor * functional.cross_entropy(student(IMAGES.double()).logits, LABELS)).backward()
    return gradients(student)


def map_by_backward(model, retain):
    """As released: a backward pass of the batch's cross-entropy, whose gradient is kept at the last map."""
    output = model(IMAGES.double(), {LAST_MAP})
    last = output.features[LAST_MAP]
    last.retain_grad()
    ce = functional.cross_entropy(output.logits, LABELS)
    ce.backward(retain_graph=retain)
    return last.grad.abs().mean(dim=1), ce, output


def equal(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-12, msg=name)


def by_released_code(ce_weight, kd_weight, weight):
    """A step with gradient attention as in the notebook: two backward passes that add up."""
    student, teacher = pair()
    with torch.enable_grad():
        target, _, answer = map_by_backward(teacher.requires_grad_(True), retain=False)
    own, ce, output = map_by_backward(student, retain=True)
    pooled = functional.avg_pool2d(own[:, None], 2)[:, 0]
    difference = ((pooled - target) ** 2).mean()
    total = ce_weight * ce + weight * difference.detach()
    if kd_weight:
        softened = functional.log_softmax(output.logits / 3, dim=1)
        wanted = functional.softmax(answer.logits.detach() / 3, dim=1)
        total = total + kd_weight * 9 * functional.kl_div(softened, wanted, reduction="batchmean")
    total.backward()
    return total.item(), difference.item(), gradients(student)


@pytest.mark.parametrize(
    ("ce", "kd", "attention"), [(0.75, 0.0, 0.25), (0.7, 0.2, 0.1)], ids=["attention", "with KD"]
)
def test_a_constant_term_gives_loss_and_gradients_of_the_released_step(ce, kd, attention):
    terms = {"kd": Distillation(kd, 3.0)} if kd else {}
    constant = Attention(attention, "gradients", constant=True)
    student, teacher = pair()
    total, values = loss(Losses(ce=CrossEntropy(ce), attention=constant, **terms), student, teacher)
    total.backward()
    expected, difference, wanted = by_released_code(ce, kd, attention)
    assert total.item() == pytest.approx(expected, rel=1e-12)
    assert values["attention"].item() == pytest.approx(difference, rel=1e-9)
    assert difference > 0
    equal(gradients(student), wanted)


def test_a_constant_term_adds_exactly_one_gradient_of_cross_entropy_and_nothing_of_its_own():
    student, teacher = pair()
    constant = Attention(0.25, "gradients", constant=True)
    total, _ = loss(Losses(ce=CrossEntropy(0.75), attention=constant), student, teacher)
    total.backward()
    equal(gradients(student), of_ce(1.75))


@pytest.mark.parametrize(
    "settings",
    [
        Attention(1.0, of, normalized)
        for of, normalized in itertools.product(("activations", "gradients"), (False, True))
    ],
    ids=lambda own: f"{own.of}-{own.normalized}",
)
def test_a_term_that_is_no_constant_has_a_gradient_in_every_layer_before_its_map(settings):
    student, teacher = pair()
    _, values = loss(Losses(ce=CrossEntropy(1.0), attention=settings), student, teacher)
    own = torch.autograd.grad(values["attention"], list(student.convolutions.parameters()))
    assert all(value.abs().max() > 0 for value in own)


@pytest.mark.parametrize("of", ["activations", "gradients"])
@pytest.mark.parametrize("normalized", [False, True])
def test_gradients_of_a_term_are_the_slopes_of_its_value(of, normalized):
    student, teacher = pair()
    losses = Losses(ce=CrossEntropy(1.0), attention=Attention(1.0, of, normalized))
    _, values = loss(losses, student, teacher)
    weight = student.convolutions[0].parametrizations.weight.original1
    [slope] = torch.autograd.grad(values["attention"], weight)
    step, place = 1e-5, (2, 1, 0, 2)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[place] += sign * step
        ends.append(loss(losses, student, teacher)[1]["attention"].item())
        with torch.no_grad():
            weight[place] -= sign * step
    assert slope[place].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)


def test_maps_of_gradients_are_those_of_a_backward_pass_of_the_whole_batch():
    student, teacher = pair()
    expected, _, _ = map_by_backward(student, retain=False)
    output = student(IMAGES.double(), {LAST_MAP})
    found = answers.image_gradients(output, LABELS).abs().mean(dim=1) / len(LABELS)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-15)
    guide = answers.answer(teacher, IMAGES.double(), LABELS, {LAST_MAP_GRADIENT})
    wanted, _, _ = map_by_backward(teacher.requires_grad_(True), retain=False)
    own = guide.features[LAST_MAP_GRADIENT].abs().mean(dim=1) / len(LABELS)
    torch.testing.assert_close(own, wanted, rtol=1e-9, atol=1e-15)


def test_normalised_maps_of_a_network_and_of_a_multiple_are_equal():
    maps, logits = torch.rand(5, 4, 8, 8).double(), torch.zeros(5, 10)
    outputs = [Output(logits, features={LAST_MAP: factor * maps}) for factor in (1, 7)]
    batch = Batch(outputs[0], LABELS[:5], outputs[1])
    assert compute.term(Attention(1.0, "activations", normalized=True), batch) < 1e-20
    assert compute.term(Attention(1.0, "activations"), batch) > 1
