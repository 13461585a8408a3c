"""The terms of the loss against float64 written out by hand."""

import numpy as np
import pytest
import torch
from distillation.networks.batch import Batch
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.ce import compute as ce
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.kd import compute as kd
from distillation.networks.output import Output
from torch.nn import functional

CLASSES = 10
LABELS = torch.tensor([3, 0, 9, 9, 5])
PARTNERS = LABELS.roll(1)


def logits(seed, scale=3.0):
    return scale * torch.randn(len(LABELS), CLASSES, generator=torch.Generator().manual_seed(seed))


def answer(classification, distillation=None):
    return Output(classification, distillation)


def log_softmax(values):
    values = np.asarray(values, dtype=np.float64)
    return values - np.log(np.exp(values).sum(axis=1, keepdims=True))


def targets(smoothing, share):
    """Probabilities wanted of each image, float64 [B, classes]."""
    eye = np.eye(CLASSES)
    mixed = share * eye[LABELS.numpy()] + (1 - share) * eye[PARTNERS.numpy()]
    return (1 - smoothing) * mixed + smoothing / CLASSES


def by_hand(student, teacher, temperature):
    """T^2 times the KL divergence from the teacher, summed over classes, mean over images."""
    log_s, log_t = (log_softmax(v.numpy().astype(np.float64) / temperature) for v in (student, teacher))
    return temperature**2 * (np.exp(log_t) * (log_t - log_s)).sum() / len(student)


# Cross-entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.01, 0.3])
def test_cross_entropy_of_plain_labels_is_the_mean_of_minus_the_log_probability(smoothing):
    value = ce.term(CrossEntropy(1.0, smoothing), Batch(answer(logits(0)), LABELS))
    expected = -(targets(smoothing, 1.0) * log_softmax(logits(0))).sum() / len(LABELS)
    assert value.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
def test_cross_entropy_of_mixed_images_weighs_the_own_label_and_the_partners(smoothing, share):
    batch = Batch(answer(logits(0)), LABELS, partner_labels=PARTNERS, shares=torch.tensor([share, 1 - share]))
    value = ce.term(CrossEntropy(1.0, smoothing), batch)
    expected = -(targets(smoothing, share) * log_softmax(logits(0))).sum() / len(LABELS)
    assert value.item() == pytest.approx(expected, rel=1e-6)
    soft = torch.from_numpy(targets(0.0, share)).float()
    oracle = functional.cross_entropy(logits(0), soft, label_smoothing=smoothing)
    torch.testing.assert_close(value, oracle)


def test_cross_entropy_ignores_its_weight():
    batch = Batch(answer(logits(0)), LABELS)
    assert ce.term(CrossEntropy(7.0), batch) == ce.term(CrossEntropy(1.0), batch)


def test_cross_entropy_of_bf16_logits_is_computed_in_float32():
    rough = logits(0).bfloat16()
    value = ce.term(CrossEntropy(1.0), Batch(answer(rough), LABELS))
    assert value.dtype == torch.float32
    assert value == ce.term(CrossEntropy(1.0), Batch(answer(rough.float()), LABELS))


# Distillation


def distilled(student, teacher, temperature, weight=0.5):
    """The divergence, and its share of the loss, of logits."""
    batch = Batch(answer(logits(2), student), LABELS, teacher=answer(teacher))
    settings = Distillation(weight, temperature)
    value = kd.term(settings, batch)
    return value, settings.factor * value


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_distillation_is_the_squared_temperature_times_kl_from_the_teacher(temperature):
    divergence, loss = distilled(logits(0), logits(1), temperature)
    expected = by_hand(logits(0), logits(1), temperature)
    assert divergence.item() == pytest.approx(expected / temperature**2, rel=2e-5)
    assert loss.item() == pytest.approx(0.5 * expected, rel=2e-5)


def test_a_network_without_a_distillation_head_is_distilled_through_its_classification_head():
    batch = Batch(answer(logits(0)), LABELS, teacher=answer(logits(1)))
    assert kd.term(Distillation(0.5, 4.0), batch) == distilled(logits(0), logits(1), 4.0)[0]


def test_the_divergence_is_from_the_teacher_to_the_student_not_the_other_way():
    there, back = by_hand(logits(0), logits(1), 4.0), by_hand(logits(1), logits(0), 4.0)
    assert abs(there - back) > 0.01 * there
    assert 16 * distilled(logits(0), logits(1), 4.0)[0].item() == pytest.approx(there, rel=2e-5)


def test_distillation_from_oneself_is_zero():
    assert distilled(logits(0), logits(0), 4.0)[0].item() == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_gradient_of_distillation_is_the_analytic_one(temperature):
    student, teacher = logits(0).double(), logits(1).double()
    leaf = logits(0).requires_grad_()
    distilled(leaf, logits(1), temperature, weight=1.0)[1].backward()
    difference = (student / temperature).softmax(1) - (teacher / temperature).softmax(1)
    expected = temperature * difference / len(LABELS)
    torch.testing.assert_close(leaf.grad.double(), expected, rtol=1e-5, atol=1e-7)


def test_distillation_of_bf16_logits_is_computed_in_float32():
    rough = logits(0).bfloat16(), logits(1).bfloat16()
    value, _ = distilled(*rough, 4.0)
    assert value.dtype == torch.float32
    assert value == distilled(rough[0].float(), rough[1].float(), 4.0)[0]


# Which head learns from what


def student_and_teacher():
    sizes = {"width": 8, "depth": 2, "heads": 1, "mlp_width": 12, "classes": CLASSES}
    token = DistillationToken("random", position=True)
    rng = torch.Generator().manual_seed(0)
    return (
        build(Model(family="vit", image_size=8, patch_size=4, **sizes, distillation_token=token), rng),
        build(Model(family="vit", image_size=8, patch_size=4, **sizes), rng),
    )


def test_distillation_trains_the_distillation_head_alone_and_cross_entropy_the_other():
    student, teacher = student_and_teacher()
    images = torch.randn(len(LABELS), 3, 8, 8, generator=torch.Generator().manual_seed(1))
    for term, trained, untouched in (
        (lambda b: kd.term(Distillation(1.0, 4.0), b), student.distillation_head, student.head),
        (lambda b: ce.term(CrossEntropy(1.0), b), student.head, student.distillation_head),
    ):
        student.zero_grad(set_to_none=True)
        term(Batch(student(images), LABELS, teacher=teacher(images))).backward()
        assert all(p.grad.abs().max() > 0 for p in trained.parameters())
        assert all(p.grad is None for p in untouched.parameters())


def test_distillation_leaves_the_teacher_alone_even_where_its_answer_has_a_graph():
    student, teacher = student_and_teacher()
    images = torch.randn(len(LABELS), 3, 8, 8, generator=torch.Generator().manual_seed(1))
    taught = teacher(images, ("entering.0", "entering.1"))
    assert taught.logits.requires_grad
    kd.term(Distillation(1.0, 4.0), Batch(student(images), LABELS, teacher=taught)).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is None for p in student.head.parameters())
    assert student.distillation_head.weight.grad.abs().max() > 0
